package socket

import (
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"superd/superd/config"
)

func TestRecvSend(t *testing.T) {
	for _, l := range loopbacks {
		t.Run(l.name, func(t *testing.T) {
			s := dgram(t, l.bind)
			c := dial(t, "udp", reach(s, l.dial)) // connected: hears only the address it asked
			send(t, c, "question")
			d := recv(t, s)
			if want := netip.MustParseAddr(l.peer); d.text != "question" || d.peer != addrOf(c) || d.to.Addr != want || d.to.Source != want {
				t.Errorf("got %+v from %v", d, addrOf(c))
			}
			if err := s.Send([]byte("answer"), d.peer, d.to); err != nil {
				t.Fatal(err)
			}
			if got := receive(t, c); got != "answer" {
				t.Errorf("got %q", got)
			}
		})
	}
}

// TestSendFromAddressAsked uses an address that the routing table would not choose.
func TestSendFromAddressAsked(t *testing.T) {
	for _, bind := range []string{"0.0.0.0:0", "[::]:0"} {
		s := dgram(t, bind)
		s.wantDestinations() // as a Recv before would have: the interface is known from then on
		c := dial(t, "udp", reach(s, "127.0.0.2"))
		send(t, c, "question")
		d := recv(t, s)
		if d.to.Addr != netip.MustParseAddr("127.0.0.2") || d.to.Interface == 0 {
			t.Errorf("got %+v", d)
		}
		if err := s.Send([]byte("answer"), d.peer, d.to); err != nil {
			t.Fatal(err)
		}
		if got := receive(t, c); got != "answer" {
			t.Errorf("got %q", got)
		}
	}
}

func TestRecvBroadcast(t *testing.T) {
	s := dgram(t, "[::]:0")
	s.wantDestinations()
	c, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(c)
	set(c, option{unix.SOL_SOCKET, unix.SO_BROADCAST, 1})
	to := netip.AddrPortFrom(netip.MustParseAddr("127.255.255.255"), s.LocalAddr().Port())
	if err := unix.Sendto(c, []byte("x"), 0, sockaddr(to)); err != nil {
		t.Fatal(err)
	}
	d := recv(t, s)
	if d.to.Addr != to.Addr() || d.to.Source != netip.MustParseAddr("127.0.0.1") {
		t.Errorf("got %+v", d)
	}
}

func TestPeekDrop(t *testing.T) {
	s := dgram(t, "[::]:0")
	c := dial(t, "udp", reach(s, "127.0.0.1"))
	empty(t, s)
	s.Drop() // nothing, and does not wait
	send(t, c, "one")
	send(t, c, "two")
	var b [10]byte
	for range 2 {
		if n, peer, err := s.Peek(b[:]); err != nil || string(b[:n]) != "one" || peer != addrOf(c) {
			t.Errorf("got %q from %v, %v", b[:n], peer, err)
		}
	}
	s.Drop()
	if n, _, err := s.Peek(b[:]); err != nil || string(b[:n]) != "two" {
		t.Errorf("got %q, %v", b[:n], err)
	}
	s.Drop()
	empty(t, s)
}

func TestSendNeverWaits(t *testing.T) {
	s := dgram(t, "127.0.0.1:0")
	to := dgram(t, "127.0.0.1:0")
	done := time.AfterFunc(patience, func() { panic("Send waits") })
	defer done.Stop()
	for range 2000 { // many times what the receiver's buffer holds
		s.Send(make([]byte, 1000), to.LocalAddr(), Destination{})
	}
}

func TestAddrPort(t *testing.T) {
	for _, a := range []string{"127.0.0.1:7", "[::1]:7", "[fe80::1%3]:7", "0.0.0.0:0", "[::]:0"} {
		want := netip.MustParseAddrPort(a)
		if got := addrPort(sockaddr(want)); got != want {
			t.Errorf("%v became %v", want, got)
		}
		if got := addrPort(sockaddrFor(unix.AF_INET6, want)); got != want {
			t.Errorf("%v became %v on an IPv6 socket", want, got)
		}
	}
	named := netip.MustParseAddrPort("[fe80::1%lo]:7")
	if got := addrPort(sockaddr(named)); got.Addr().Zone() != "1" {
		t.Errorf("the zone of lo is %q", got.Addr().Zone())
	}
	if got := addrPort(&unix.SockaddrInet6{Addr: netip.IPv6Loopback().As16(), ZoneId: 3}); got.Addr() != netip.IPv6Loopback() {
		t.Errorf("an address that needs no zone has one: %v", got)
	}
	if got := addrPort(nil); got.IsValid() {
		t.Errorf("no address became %v", got)
	}
}

func TestDatagramReuse(t *testing.T) {
	e := endpoint(config.Dgram, "127.0.0.1:0")
	s, err := Open(e, config.SocketOptions{Reuse: true}, Sharing{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	e.Addr = s.LocalAddr()
	again, err := Open(e, config.SocketOptions{Reuse: true}, Sharing{})
	if err != nil {
		t.Fatalf("the REUSE flag has no effect: %v", err)
	}
	again.Close()
}
