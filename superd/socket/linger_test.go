package socket

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestRefuse: the client has spoken, and goes on speaking, before it reads.
func TestRefuse(t *testing.T) {
	for _, nonblock := range []bool{false, true} {
		for _, size := range []int{0, 20, 256 << 10} { // the last is more than the send buffer takes at once
			s := stream(t, "[::]:0")
			c := dial(t, "tcp", reach(s, "127.0.0.1"))
			send(t, c, "hello")
			fd, _ := accept1(t, s, nonblock)
			set(fd, option{unix.SOL_SOCKET, unix.SO_SNDBUF, 8 << 10})
			l := NewLingerer(1)
			text := strings.Repeat("x", size)
			l.Refuse(fd, []byte(text))
			send(t, c, "hello again")
			got, err := io.ReadAll(c)
			if err != nil || string(got) != text {
				t.Errorf("%d bytes, %v; want %d and EOF", len(got), err, size)
			}
			c.Close()
			l.Wait()
			if err := unix.SetNonblock(fd, true); err != unix.EBADF {
				t.Errorf("still open: %v", err)
			}
		}
	}
}

// TestRefuseBounded: beyond the bound nobody lingers, and nobody waits for the others.
func TestRefuseBounded(t *testing.T) {
	s := stream(t, "127.0.0.1:0")
	l := NewLingerer(1)
	first, second := dial(t, "tcp", s.LocalAddr().String()), dial(t, "tcp", s.LocalAddr().String())
	fd, _ := accept1(t, s, false)
	l.Refuse(fd, []byte("first"))
	fd, _ = accept1(t, s, false)
	l.Refuse(fd, []byte("second"))
	if err := unix.SetNonblock(fd, true); err != unix.EBADF {
		t.Errorf("the second lingers: %v", err)
	}
	for c, want := range map[net.Conn]string{first: "first", second: "second"} {
		if got, err := io.ReadAll(c); err != nil || string(got) != want {
			t.Errorf("%q, %v", got, err)
		}
		c.Close()
	}
	l.Wait()
}

// TestRefuseEnds: a client that never stops, and one that never closes, are left.
func TestRefuseEnds(t *testing.T) {
	s := stream(t, "127.0.0.1:0")
	l := NewLingerer(1)
	refuse := func() time.Duration {
		fd, _ := accept1(t, s, false)
		start := time.Now()
		l.Refuse(fd, []byte("no"))
		l.Wait()
		return time.Since(start)
	}
	loud := dial(t, "tcp", s.LocalAddr().String())
	go io.Copy(loud, zeros{}) // ends with the connection
	if took := refuse(); took > lingerFor/2 {
		t.Errorf("listened to the loud one for %v", took)
	}
	dial(t, "tcp", s.LocalAddr().String())
	if took := refuse(); took < lingerFor/2 || took > 2*lingerFor {
		t.Errorf("waited for the quiet one for %v", took)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

func TestSendNow(t *testing.T) {
	s := stream(t, "127.0.0.1:0")
	c := dial(t, "tcp", s.LocalAddr().String())
	fd, _ := accept1(t, s, false) // blocking mode, and yet
	if n := SendNow(fd, make([]byte, 64<<20)); n <= 0 || n >= 64<<20 {
		t.Errorf("sent %d bytes without waiting", n)
	}
	c.Close()
	for range 3 {
		SendNow(fd, []byte("x")) // must not raise SIGPIPE, which would end the test
	}
	unix.Close(fd)
}

func TestReset(t *testing.T) {
	s := stream(t, "127.0.0.1:0")
	c := dial(t, "tcp", s.LocalAddr().String())
	fd, _ := accept1(t, s, false)
	Reset(fd)
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, unix.ECONNRESET) {
		t.Errorf("got %v", err)
	}
}

func TestConn(t *testing.T) {
	for _, l := range loopbacks {
		t.Run(l.name, func(t *testing.T) {
			s := stream(t, l.bind)
			c := dial(t, "tcp", reach(s, l.dial))
			fd, peer := accept1(t, s, true)
			conn, err := NewConn(fd, peer)
			if err != nil {
				t.Fatal(err)
			}
			if conn.RemoteAddr().String() != c.LocalAddr().String() || conn.LocalAddr().String() != c.RemoteAddr().String() {
				t.Errorf("%v to %v; the client says %v to %v", conn.LocalAddr(), conn.RemoteAddr(), c.RemoteAddr(), c.LocalAddr())
			}
			send(t, c, "ping")
			if got := receive(t, conn); got != "ping" {
				t.Errorf("got %q", got)
			}
			conn.SetReadDeadline(time.Now().Add(time.Millisecond))
			var timeout interface{ Timeout() bool }
			if _, err := conn.Read(make([]byte, 1)); !errors.As(err, &timeout) || !timeout.Timeout() {
				t.Errorf("got %v", err)
			}
			conn.SetReadDeadline(time.Time{})
			send(t, conn, "pong")
			if err := conn.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(c); err != nil || string(got) != "pong" {
				t.Errorf("%q, %v", got, err)
			}
			send(t, c, "more")
			if got := receive(t, conn); got != "more" {
				t.Errorf("got %q after CloseWrite", got)
			}
			c.Close()
			if _, err := conn.Read(make([]byte, 1)); err != io.EOF {
				t.Errorf("got %v at the end", err)
			}
			if err := conn.Close(); err != nil {
				t.Error(err)
			}
			if conn.LocalAddr() != nil || conn.CloseWrite() == nil {
				t.Error("a closed connection goes on")
			}
		})
	}
}
