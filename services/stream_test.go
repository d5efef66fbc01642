package services

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"testing"
	"time"
)

// serve runs the builtin on one end of a real TCP connection, as superd does, and returns the client's end
// and what the builtin returned.
func serve(t *testing.T, name, network, addr string) (*net.TCPConn, <-chan error) {
	t.Helper()
	b, ok := Lookup(name)
	if !ok {
		t.Fatalf("no builtin %q", name)
	}
	l, err := net.Listen(network, addr)
	if err != nil {
		t.Skipf("%s is not there: %v", network, err)
	}
	done := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		l.Close()
		if err != nil {
			done <- err
			return
		}
		err = b.Stream(c)
		c.Close()
		done <- err
	}()
	c, err := net.Dial(network, l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	return c.(*net.TCPConn), done
}

func serve4(t *testing.T, name string) (*net.TCPConn, <-chan error) {
	return serve(t, name, "tcp4", "127.0.0.1:0")
}

func ends(t *testing.T, done <-chan error) {
	t.Helper()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("the builtin returned %v, want nil", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the builtin goes on although its peer has left")
	}
}

func TestEchoHonoursHalfClose(t *testing.T) {
	for _, at := range [][2]string{{"tcp4", "127.0.0.1:0"}, {"tcp6", "[::1]:0"}} {
		c, done := serve(t, "echo", at[0], at[1])
		sent := make([]byte, 3<<20+7)
		rand.Read(sent)
		go func() {
			c.Write(sent[:1])
			c.Write(sent[1:600])
			c.Write(sent[600:])
			c.CloseWrite()
		}()
		got, err := io.ReadAll(c)
		if err != nil || !bytes.Equal(got, sent) {
			t.Errorf("%s: %d bytes came back, %v; want the same %d", at[0], len(got), err, len(sent))
		}
		ends(t, done)
	}
}

func TestEchoOverPipe(t *testing.T) {
	server, client := net.Pipe()
	done := make(chan error, 1)
	go func() { done <- echoStream(server) }()
	for _, n := range []int{1, 511, 512, 513, 40000, 3} {
		sent := bytes.Repeat([]byte{byte(n)}, n)
		go client.Write(sent)
		got := make([]byte, n)
		if _, err := io.ReadFull(client, got); err != nil || !bytes.Equal(got, sent) {
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
	client.Close()
	ends(t, done)
}

func TestStreamDoesNotClose(t *testing.T) {
	for _, b := range streams() {
		if b.Name == "chargen" {
			continue // ends only when the peer leaves
		}
		server, client := net.Pipe()
		done := make(chan error, 1)
		counted := &countClose{Conn: server}
		go func() { done <- b.Stream(counted); server.Close() }()
		go io.Copy(io.Discard, client)
		if b.Name == "echo" || b.Name == "discard" {
			client.Close()
		}
		ends(t, done)
		if counted.closed {
			t.Errorf("%s closed the connection that its caller owns", b.Name)
		}
	}
}

type countClose struct {
	net.Conn
	closed bool
}

func (c *countClose) Close() error { c.closed = true; return c.Conn.Close() }

func TestPeerThatResetsIsDone(t *testing.T) {
	for _, name := range []string{"echo", "discard", "chargen"} {
		c, done := serve4(t, name)
		c.Write([]byte("x"))
		c.SetLinger(0)
		c.Close()
		ends(t, done)
	}
}

func TestFailureIsReturned(t *testing.T) {
	broken := errors.New("broken")
	for _, b := range streams() {
		if err := b.Stream(brokenConn{err: broken}); !errors.Is(err, broken) {
			t.Errorf("%s returned %v, want the connection's failure", b.Name, err)
		}
	}
}

type brokenConn struct {
	net.Conn
	err error
}

func (c brokenConn) Read([]byte) (int, error)  { return 0, c.err }
func (c brokenConn) Write([]byte) (int, error) { return 0, c.err }

func TestDiscardReadsAndSaysNothing(t *testing.T) {
	c, done := serve4(t, "discard")
	if _, err := c.Write(make([]byte, 8<<20)); err != nil {
		t.Fatal(err)
	}
	c.CloseWrite()
	if got, err := io.ReadAll(c); err != nil || len(got) != 0 {
		t.Errorf("got %q, %v", got, err)
	}
	ends(t, done)
}

// A client that speaks first must see the answer all the same: close with unread input would reset it.
func TestAnswerReachesWhoSpokeFirst(t *testing.T) {
	for _, name := range []string{"daytime", "time"} {
		for range 50 {
			c, done := serve4(t, name)
			c.Write(make([]byte, 40000))
			c.CloseWrite()
			got, err := io.ReadAll(c)
			if err != nil || len(got) < 4 {
				t.Fatalf("%s: got %q, %v", name, got, err)
			}
			ends(t, done)
		}
	}
}

// A client that never closes must not hold the connection.
func TestAnswerDoesNotWaitForever(t *testing.T) {
	c, done := serve4(t, "daytime")
	ends(t, done)
	if got, err := io.ReadAll(c); err != nil || len(got) == 0 {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestAnswerBoundsWhatItReads(t *testing.T) {
	server, client := net.Pipe()
	endless := &halfCloser{Conn: server}
	if err := answer(endless, nil); err != nil {
		t.Fatal(err)
	}
	if endless.read < DrainBytes || endless.read > DrainBytes+32<<10 {
		t.Errorf("read %d bytes, want about %d", endless.read, DrainBytes)
	}
	client.Close()
}

// halfCloser is a peer that talks without end.
type halfCloser struct {
	net.Conn
	read int
}

func (h *halfCloser) Write(p []byte) (int, error)     { return len(p), nil }
func (h *halfCloser) CloseWrite() error               { return nil }
func (h *halfCloser) SetReadDeadline(time.Time) error { return nil }
func (h *halfCloser) Read(p []byte) (int, error)      { h.read += len(p); return len(p), nil }

func TestDaytimeStream(t *testing.T) {
	c, done := serve4(t, "daytime")
	before := time.Now().Truncate(time.Second)
	line, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	got, err := time.ParseInLocation("02 Jan 2006 15:04:05 MST\r\n", string(line), time.Local)
	if err != nil || got.Before(before) || got.After(time.Now()) {
		t.Errorf("%q: %v", line, err)
	}
	ends(t, done)
}

func TestTimeStream(t *testing.T) {
	c, done := serve4(t, "time")
	got, err := io.ReadAll(c)
	if err != nil || len(got) != 4 {
		t.Fatalf("%x, %v", got, err)
	}
	c.Close()
	unix := time.Unix(int64(binary.BigEndian.Uint32(got))-since1900, 0)
	if d := time.Since(unix); d < 0 || d > 30*time.Second {
		t.Errorf("%x is %v", got, unix)
	}
	ends(t, done)
}

func TestChargenStream(t *testing.T) {
	c, done := serve4(t, "chargen")
	got := make([]byte, 3*len(chargenCycle))
	if _, err := io.ReadFull(c, got); err != nil {
		t.Fatal(err)
	}
	c.Close()
	ends(t, done)
	lines := bytes.SplitAfter(got, []byte("\r\n"))
	const first = " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefg\r\n"
	if string(lines[0]) != first {
		t.Errorf("first line %q", lines[0])
	}
	for i := range lines[:len(lines)-2] {
		line, next := lines[i], lines[i+1]
		if len(line) != 74 || !bytes.Equal(line[1:72], next[:71]) {
			t.Fatalf("line %d %q does not go on in %q", i, line, next)
		}
	}
}

func BenchmarkEcho(b *testing.B) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	go func() {
		if c, err := l.Accept(); err == nil {
			echoStream(c)
			c.Close()
		}
	}()
	c, err := net.Dial("tcp4", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	sent := make([]byte, 32<<10)
	got := make([]byte, len(sent))
	b.SetBytes(int64(len(sent)))
	b.ReportAllocs()
	for b.Loop() {
		c.Write(sent)
		if _, err := io.ReadFull(c, got); err != nil {
			b.Fatal(err)
		}
	}
}

// streams are the builtins for TCP that need nothing but a connection.
func streams() []Builtin {
	return slices.DeleteFunc(All(), func(b Builtin) bool { return b.Stream == nil })
}
