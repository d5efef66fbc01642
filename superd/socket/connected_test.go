package socket

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"superd/superd/config"
)

// privileged says which of the two ways of Connected is under test; TestOrdinaryUser runs the other.
var privileged = os.Getuid() == 0

// connected is Connected for a datagram that Recv gave. The test closes fd at its end.
func connected(t *testing.T, s *Socket, d datagram) (fd int) {
	t.Helper()
	fd, err := s.Connected([]byte(d.text), d.peer, d.to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// read is what a program does, with the patience that a program has not.
func read(t *testing.T, fd int) (string, netip.AddrPort) {
	t.Helper()
	if !readable(fd, int(patience.Milliseconds())) {
		t.Fatal("nothing to read on the connected socket")
	}
	var b [65536]byte
	n, sa, err := unix.Recvfrom(fd, b[:], 0)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n]), addrPort(sa)
}

func wantRead(t *testing.T, fd int, want ...string) {
	t.Helper()
	for _, w := range want {
		if got, _ := read(t, fd); got != w {
			t.Errorf("the connected socket gives %q, want %q", got, w)
		}
	}
	if readable(fd, 0) {
		got, from := read(t, fd)
		t.Errorf("the connected socket gives %q from %v on top", got, from)
	}
}

func TestConnected(t *testing.T) {
	for _, l := range loopbacks {
		t.Run(l.name, func(t *testing.T) {
			s := dgram(t, l.bind)
			c, other := dial(t, "udp", reach(s, l.dial)), dial(t, "udp", reach(s, l.dial))
			send(t, c, "one")
			fd := connected(t, s, recv(t, s))

			status, descriptor := flags(t, fd)
			if status&unix.O_NONBLOCK != 0 || descriptor&unix.FD_CLOEXEC == 0 {
				t.Errorf("flags %#x, %#x", status, descriptor)
			}
			if sa, err := unix.Getpeername(fd); err != nil || addrPort(sa) != addrOf(c) || sockaddrFamily(sa) != family(addrOf(c).Addr()) {
				t.Errorf("getpeername: %#v (%v)", sa, err)
			}
			got, from := read(t, fd)
			if got != "one" || privileged && from != addrOf(c) {
				t.Errorf("first: %q from %v", got, from)
			}
			send(t, c, "two")
			if got, from := read(t, fd); got != "two" || from != addrOf(c) {
				t.Errorf("then: %q from %v", got, from)
			}
			empty(t, s)
			if _, err := unix.Write(fd, []byte("answer")); err != nil {
				t.Fatal(err)
			}
			if got := receive(t, c); got != "answer" { // from the address c asked, or c would not hear it
				t.Errorf("the client gets %q", got)
			}
			send(t, other, "other")
			if d := recv(t, s); d.text != "other" || d.peer != addrOf(other) {
				t.Errorf("the listener gets %+v", d)
			}
			wantRead(t, fd)
			unix.Close(fd)
			send(t, c, "three")
			if d := recv(t, s); d.text != "three" {
				t.Errorf("after the end the listener gets %+v", d)
			}
		})
	}
}

func sockaddrFamily(sa unix.Sockaddr) int {
	if _, ok := sa.(*unix.SockaddrInet4); ok {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// TestConnectedSteals nothing: what others have queued stays queued, in its order.
func TestConnectedSteals(t *testing.T) {
	for _, l := range loopbacks {
		t.Run(l.name, func(t *testing.T) {
			s := dgram(t, l.bind)
			a, b, c := dial(t, "udp", reach(s, l.dial)), dial(t, "udp", reach(s, l.dial)), dial(t, "udp", reach(s, l.dial))
			send(t, a, "a1")
			send(t, b, "b1")
			send(t, a, "a2")
			send(t, c, "c1")
			send(t, b, "b2")
			fa := connected(t, s, recv(t, s))
			fb := connected(t, s, recv(t, s))
			send(t, a, "a3")
			send(t, b, "b3")
			wantRead(t, fa, "a1", "a3")
			wantRead(t, fb, "b1", "b3")
			for _, want := range []string{"a2", "c1", "b2"} {
				if d := recv(t, s); d.text != want {
					t.Errorf("the listener gives %q, want %q", d.text, want)
				}
			}
			empty(t, s)
		})
	}
}

func TestForward(t *testing.T) {
	for _, l := range loopbacks {
		t.Run(l.name, func(t *testing.T) {
			s := dgram(t, l.bind)
			c := dial(t, "udp", reach(s, l.dial))
			send(t, c, "one")
			send(t, c, "two")
			fd := connected(t, s, recv(t, s))
			d := recv(t, s)
			err := s.Forward([]byte(d.text), d.peer, d.to)
			if !privileged {
				if !errors.Is(err, errors.ErrUnsupported) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			wantRead(t, fd, "one", "two")
			unix.Close(fd)
			if err := s.Forward([]byte("three"), d.peer, d.to); err != nil {
				t.Fatal(err)
			}
			if got := recv(t, s); got.text != "three" || got.peer != addrOf(c) {
				t.Errorf("too late, and the listener gets %+v", got)
			}
		})
	}
}

// TestConnectedSizes: an empty datagram is one, and the largest one fits.
func TestConnectedSizes(t *testing.T) {
	for _, l := range loopbacks {
		s := dgram(t, l.bind)
		c := dial(t, "udp", reach(s, l.dial))
		for _, size := range []int{0, 1, 2, 1473, 65507} {
			send(t, c, strings.Repeat("x", size))
			fd := connected(t, s, recv(t, s))
			if got, _ := read(t, fd); len(got) != size {
				t.Errorf("%s: %d bytes became %d", l.name, size, len(got))
			}
			unix.Close(fd)
		}
	}
}

// TestBranchHearsItsPeer holds the moment between bind and connect still, when the peer's socket is everybody's.
func TestBranchHearsItsPeer(t *testing.T) {
	for _, l := range loopbacks {
		t.Run(l.name, func(t *testing.T) {
			s := dgram(t, l.bind)
			a, b := dial(t, "udp", reach(s, l.dial)), dial(t, "udp", reach(s, l.dial))
			send(t, a, "a1")
			d := recv(t, s)
			fd, err := unix.Socket(family(d.peer.Addr()), unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
			must(t, err)
			defer unix.Close(fd)
			must(t, hearOnly(fd, d.peer))
			must(t, s.join(fd, s.branchAddr(d.peer, d.to)))
			for range 100 {
				send(t, b, "b1")
			}
			send(t, a, "a2")
			must(t, unix.Connect(fd, sockaddr(d.peer)))
			for _, own := range sweep(fd) {
				if string(own) != "a2" {
					t.Errorf("it has heard %q", own)
				}
			}
			if readable(fd, 0) {
				t.Error("something is left on the connected socket")
			}
			send(t, a, "a3")
			send(t, b, "b3")
			var got [10]byte
			if n, _, err := unix.Recvfrom(fd, got[:], 0); err != nil || string(got[:n]) != "a3" {
				t.Errorf("it hears %q, %v", got[:n], err)
			}
			for text := ""; text != "b3"; {
				if text = recv(t, s).text; text[0] == 'a' && text != "a2" {
					t.Errorf("the listener hears %q", text)
				}
			}
		})
	}
}

// TestConnectedUnderLoad: of clients that come all at once, and send twice, nobody waits in vain.
func TestConnectedUnderLoad(t *testing.T) {
	for _, bind := range []string{"127.0.0.1:0", "[::]:0"} {
		t.Run(bind, func(t *testing.T) {
			s := dgram(t, bind)
			var server, clients sync.WaitGroup
			server.Go(func() { echoAll(t, s) })
			for range 40 {
				c := dial(t, "udp", reach(s, "127.0.0.1"))
				clients.Go(func() { ask(t, c) })
			}
			clients.Wait()
			s.Interrupt()
			server.Wait()
		})
	}
}

// ask sends two questions at once and wants each of them back, and nobody else's. What is lost it asks again, as clients do.
func ask(t *testing.T, c net.Conn) {
	missing := map[string]bool{fmt.Sprint(c.LocalAddr(), " one"): true, fmt.Sprint(c.LocalAddr(), " two"): true}
	own := maps.Clone(missing)
	for range 5 {
		for q := range missing {
			fmt.Fprint(c, q)
		}
		_ = c.SetReadDeadline(time.Now().Add(patience / 5))
		for len(missing) > 0 {
			var b [100]byte
			n, err := c.Read(b[:])
			if err != nil {
				break
			}
			if got := string(b[:n]); !own[got] {
				t.Errorf("%v got %q", c.LocalAddr(), got)
			}
			delete(missing, string(b[:n]))
		}
	}
	if len(missing) > 0 {
		t.Errorf("%v has not got %v", c.LocalAddr(), missing)
	}
}

// echoAll is a dgram/nowait service until it is interrupted.
func echoAll(t *testing.T, s *Socket) {
	open := map[netip.AddrPort]int{}
	var programs sync.WaitGroup
	defer func() {
		for _, fd := range open {
			_ = unix.Shutdown(fd, unix.SHUT_RD)
		}
		programs.Wait()
		for _, fd := range open {
			unix.Close(fd)
		}
	}()
	for {
		var b [100]byte
		n, peer, to, err := s.Recv(b[:])
		if err != nil {
			return
		}
		if _, ok := open[peer]; ok {
			if s.Forward(b[:n], peer, to) != nil {
				s.Send(b[:n], peer, to)
			}
			continue
		}
		fd, err := s.Connected(b[:n], peer, to)
		if err != nil {
			t.Error(err)
			return
		}
		open[peer] = fd
		programs.Go(func() { echo(fd) })
	}
}

// echo is a program that stays until its socket is shut down: one that leaves after a while would do so, on a busy machine,
// between a client's datagrams.
func echo(fd int) {
	for readable(fd, -1) {
		var b [100]byte
		n, err := unix.Read(fd, b[:])
		if err != nil || n == 0 {
			return
		}
		unix.Write(fd, b[:n])
	}
}

// TestConnectedOutlives: programs hold the port while the daemon starts anew.
func TestConnectedOutlives(t *testing.T) {
	for _, l := range loopbacks {
		t.Run(l.name, func(t *testing.T) {
			s := dgram(t, l.bind)
			c, other := dial(t, "udp", reach(s, l.dial)), dial(t, "udp", reach(s, l.dial))
			send(t, c, "one")
			fd := connected(t, s, recv(t, s))
			s.Close()
			e := s.Endpoint()
			e.Addr = netip.AddrPortFrom(e.Addr.Addr(), s.LocalAddr().Port())
			if _, err := Open(e, config.SocketOptions{}, Sharing{}); !errors.Is(err, unix.EADDRINUSE) {
				t.Errorf("without sharing: %v", err)
			}
			s = mustOpen(t, e, Sharing{Connected: true})
			send(t, other, "other")
			send(t, c, "two")
			d := recv(t, s)
			if d.text != "other" {
				t.Errorf("the new listener gets %q", d.text)
			}
			empty(t, s)
			wantRead(t, fd, "one", "two")
			wantRead(t, connected(t, s, d), "other")
		})
	}
}

// TestConnectedStranger: the port stays closed to others while, and after, it is shared with connected sockets.
func TestConnectedStranger(t *testing.T) {
	needRoot(t)
	s := dgram(t, "127.0.0.1:0")
	c := dial(t, "udp", s.LocalAddr().String())
	send(t, c, "one")
	connected(t, s, recv(t, s))
	asOther(func() {
		for _, o := range []int{0, unix.SO_REUSEADDR, unix.SO_REUSEPORT} {
			if err := intrude(s, o); err != unix.EADDRINUSE {
				t.Errorf("another user with option %d: %v", o, err)
			}
		}
	})
}

func TestConnectedOnDevice(t *testing.T) {
	e := endpoint(config.Dgram, "0.0.0.0:0")
	e.Device = "lo"
	s, err := Open(e, config.SocketOptions{}, Sharing{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c := dial(t, "udp", reach(s, "127.0.0.1"))
	send(t, c, "one")
	fd := connected(t, s, recv(t, s))
	wantRead(t, fd, "one")
	if d, err := unix.GetsockoptString(fd, unix.SOL_SOCKET, unix.SO_BINDTODEVICE); err != nil || d != "lo" {
		t.Errorf("bound to device %q (%v)", d, err)
	}
}
