package services

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

// pair is both ends of a TCP connection.
func pair(t testing.TB, network, at string) (client, server *net.TCPConn) {
	t.Helper()
	l, err := net.Listen(network, at)
	if err != nil {
		t.Skipf("%s is not there: %v", network, err)
	}
	defer l.Close()
	c, err := net.Dial(network, l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); s.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	return c.(*net.TCPConn), s.(*net.TCPConn)
}

type relayed struct {
	sent, received int64
	err            error
}

// relaying relays between a client over IPv4 and a target over IPv6, and closes as superd does when it is over.
func relaying(t testing.TB, idle time.Duration) (client, target *net.TCPConn, done <-chan relayed) {
	t.Helper()
	client, a := pair(t, "tcp4", "127.0.0.1:0")
	target, b := pair(t, "tcp6", "[::1]:0")
	over := make(chan relayed, 1)
	go func() {
		var r relayed
		r.sent, r.received, r.err = Relay(a, b, idle)
		a.Close()
		b.Close()
		over <- r
	}()
	return client, target, over
}

func outcome(t *testing.T, done <-chan relayed) relayed {
	t.Helper()
	select {
	case r := <-done:
		return r
	case <-time.After(20 * time.Second):
		t.Fatal("the relay goes on")
		return relayed{}
	}
}

// Each side ends its half when it likes, and still gets all of the other's.
func TestRelayHonoursHalfClose(t *testing.T) {
	client, target, done := relaying(t, 0)
	question, answer := make([]byte, 5<<20+1), make([]byte, 3<<20+7)
	rand.Read(question)
	rand.Read(answer)
	go func() {
		client.Write(question[:1])
		client.Write(question[1:])
		client.CloseWrite()
	}()
	if got, err := io.ReadAll(target); err != nil || !bytes.Equal(got, question) {
		t.Errorf("the target has %d bytes of %d, %v", len(got), len(question), err)
	}
	go func() {
		target.Write(answer)
		target.Close()
	}()
	if got, err := io.ReadAll(client); err != nil || !bytes.Equal(got, answer) {
		t.Errorf("the client has %d bytes of %d, %v", len(got), len(answer), err)
	}
	if r := outcome(t, done); r.err != nil || r.sent != int64(len(question)) || r.received != int64(len(answer)) {
		t.Errorf("%+v", r)
	}
}

func TestRelayBothWaysAtOnce(t *testing.T) {
	client, target, done := relaying(t, time.Minute)
	go func() { io.Copy(target, target); target.CloseWrite() }()
	sent := make([]byte, 8<<20)
	rand.Read(sent)
	go func() { client.Write(sent); client.CloseWrite() }()
	if got, err := io.ReadAll(client); err != nil || !bytes.Equal(got, sent) {
		t.Errorf("%d bytes came back, %v", len(got), err)
	}
	if r := outcome(t, done); r.err != nil || r.sent != r.received {
		t.Errorf("%+v", r)
	}
}

func TestRelayPassesResetsOn(t *testing.T) {
	for _, clientResets := range []bool{true, false} {
		client, target, done := relaying(t, 0)
		first, second := client, target
		if !clientResets {
			first, second = target, client
		}
		first.Write([]byte("x"))
		io.ReadFull(second, make([]byte, 1))
		first.SetLinger(0)
		first.Close()
		if _, err := second.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the other side sees %v, want a reset", err)
		}
		if r := outcome(t, done); r.err != nil {
			t.Errorf("%+v: a peer that resets is done, not a failure", r)
		}
	}
}

func TestRelayEndsWhenIdle(t *testing.T) {
	client, target, done := relaying(t, 100*time.Millisecond)
	for range 5 { // each byte begins the time anew
		client.Write([]byte("x"))
		io.ReadFull(target, make([]byte, 1))
		time.Sleep(30 * time.Millisecond)
	}
	if r := outcome(t, done); r.err != ErrIdle || r.sent != 5 {
		t.Errorf("%+v", r)
	}
	if _, err := client.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the client sees %v", err)
	}
}

// A peer that takes nothing holds one pipe, and nothing else: what it does not take stays with the sender.
func TestRelayBoundsWhatItHolds(t *testing.T) {
	client, target, done := relaying(t, time.Second)
	client.SetWriteDeadline(time.Now().Add(500 * time.Millisecond))
	sent, err := client.Write(make([]byte, 64<<20))
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("%d bytes went in, %v", sent, err)
	}
	if r := outcome(t, done); r.err != ErrIdle {
		t.Errorf("%+v", r)
	}
	target.Close()
}

// Without descriptors for pipes it copies through memory.
func TestRelayThroughMemory(t *testing.T) {
	client, a := pair(t, "tcp4", "127.0.0.1:0")
	target, b := pair(t, "tcp4", "127.0.0.1:0")
	sent := make([]byte, 1<<20)
	rand.Read(sent)
	go func() { client.Write(sent); client.CloseWrite() }()
	got := make(chan []byte)
	go func() { all, _ := io.ReadAll(target); got <- all }()
	from, _ := a.SyscallConn()
	to, _ := b.SyscallConn()
	for {
		var n int
		var failure error
		v := newBox()
		from.Read(func(fd uintptr) bool { n, failure = v.fill(int(fd)); return failure != syscall.EAGAIN })
		if failure != nil || n == 0 {
			v.release(false)
			break
		}
		to.Write(func(fd uintptr) bool { failure = v.pour(int(fd)); return failure != syscall.EAGAIN })
		v.release(failure != nil)
	}
	b.Close()
	if all := <-got; !bytes.Equal(all, sent) {
		t.Errorf("%d bytes of %d arrived", len(all), len(sent))
	}
}

func TestRelayDescriptorsAreBounded(t *testing.T) {
	for range 3 * cap(spare) {
		client, target, done := relaying(t, 0)
		client.Write([]byte("x"))
		io.ReadFull(target, make([]byte, 1))
		client.Close()
		target.Close()
		outcome(t, done)
	}
	if len(spare) > cap(spare) {
		t.Errorf("%d pipes are kept", len(spare))
	}
	p := borrow()
	for range 2 * cap(spare) {
		borrow().release(true)
	}
	p.release(false)
}

func BenchmarkRelay(b *testing.B) {
	client, target, done := relaying(b, 0)
	b.SetBytes(64 << 10)
	b.ReportAllocs()
	go func() { io.Copy(io.Discard, target); target.Close() }()
	block := make([]byte, 64<<10)
	client.SetDeadline(time.Time{})
	for b.Loop() {
		if _, err := client.Write(block); err != nil {
			b.Fatal(err)
		}
	}
	client.Close()
	<-done
}

// BenchmarkRelayByte is a round trip of one byte: what a relay adds to an interactive session.
func BenchmarkRelayByte(b *testing.B) {
	client, target, done := relaying(b, 0)
	b.ReportAllocs()
	go func() { io.Copy(target, target); target.Close() }()
	one := make([]byte, 1)
	client.SetDeadline(time.Time{})
	for b.Loop() {
		client.Write(one)
		if _, err := io.ReadFull(client, one); err != nil {
			b.Fatal(err)
		}
	}
	client.Close()
	<-done
}
