package socket

import (
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"superd/superd/config"
)

func prefixes(text ...string) (rules []config.Rule) {
	for _, p := range text {
		rules = append(rules, config.Rule{Prefix: netip.MustParsePrefix(p), Word: p})
	}
	return rules
}

// admitted is what the filter should say, told in another way.
func admitted(a *config.Access, addr netip.Addr) bool {
	best, ok := -1, !a.Restricted
	for _, r := range a.OnlyFrom {
		if r.Prefix.Contains(addr) && r.Prefix.Bits() > best {
			best, ok = r.Prefix.Bits(), true
		}
	}
	for _, r := range a.NoAccess {
		if r.Prefix.Contains(addr) && r.Prefix.Bits() >= best {
			best, ok = r.Prefix.Bits(), false
		}
	}
	return ok
}

// hears reports whether a datagram from an address of loopback gets through to s.
func hears(t *testing.T, s *Socket, from netip.Addr) bool {
	t.Helper()
	to := &net.UDPAddr{IP: from.AsSlice(), Port: int(s.LocalAddr().Port())}
	c, err := net.DialUDP("udp", &net.UDPAddr{IP: from.AsSlice()}, to)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	_, _, err = s.Peek(make([]byte, 1)) // loopback delivers within the system call
	if err == nil {
		s.Drop()
	}
	return err == nil
}

// The kernel comes to the same verdict as the rules, for random ones around random addresses of loopback, on a socket that
// takes both families.
func TestFilterAgrees(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	s := dgram(t, "[::]:0")
	six := netip.MustParseAddr("::1")
	address := func() netip.Addr {
		return netip.AddrFrom4([4]byte{127, byte(random.IntN(3)), byte(random.IntN(3)), byte(1 + random.IntN(3))})
	}
	for range 200 {
		a := &config.Access{Restricted: random.IntN(2) == 0}
		for range random.IntN(8) {
			p := netip.PrefixFrom(address(), random.IntN(33))
			if random.IntN(4) == 0 {
				p = netip.PrefixFrom(six, random.IntN(129))
			}
			r := config.Rule{Prefix: p.Masked()}
			if random.IntN(2) == 0 {
				a.OnlyFrom = append(a.OnlyFrom, r)
			} else {
				a.NoAccess = append(a.NoAccess, r)
			}
		}
		if err := s.Retune(config.SocketOptions{Peers: a}); err != nil {
			t.Fatal(err)
		}
		for _, from := range []netip.Addr{address(), address(), address(), six} {
			if got, want := hears(t, s, from), admitted(a, from); got != want {
				t.Fatalf("%s: %v, want %v, with %+v", from, got, want, a)
			}
		}
	}
	before, err := s.Dropped()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Retune(config.SocketOptions{Peers: &config.Access{Restricted: true}}); err != nil {
		t.Fatal(err)
	}
	hears(t, s, six)
	if now, _ := s.Dropped(); now != before+1 {
		t.Errorf("%d packets were dropped, then %d", before, now)
	}
	if err := s.Retune(config.SocketOptions{}); err != nil || !hears(t, s, six) {
		t.Errorf("without a filter it hears nothing: %v", err)
	}
}

// A listener with a filter answers nobody else, and its connections work. It is there before the port is.
func TestFilterStream(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can filter a listener")
	}
	o := config.SocketOptions{Peers: &config.Access{Restricted: true, OnlyFrom: prefixes("127.0.0.2/32")}}
	s, err := Open(endpoint(config.Stream, "127.0.0.1:0"), o, Sharing{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	c, err := d.Dial("tcp", s.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fd, _ := accept1(t, s, false)
	defer unix.Close(fd)
	unix.Write(fd, []byte("hello"))
	if got := receive(t, c); got != "hello" {
		t.Errorf("got %q", got)
	}
	d = net.Dialer{Timeout: 100 * time.Millisecond}
	if c, err := d.Dial("tcp", s.LocalAddr().String()); err == nil {
		c.Close()
		t.Error("somebody else is connected")
	}
	if n, _ := s.Dropped(); n == 0 {
		t.Error("nothing was dropped")
	}
}

// The longest list that config allows is one that the kernel takes.
func TestFilterSize(t *testing.T) {
	var a config.Access
	for i := range config.MostPeers {
		addr := netip.AddrFrom16([16]byte{0x20, 1, 13: byte(i >> 8), 14: byte(i)})
		a.OnlyFrom = append(a.OnlyFrom, config.Rule{Prefix: netip.PrefixFrom(addr, 127).Masked()})
	}
	if n := len(peerFilter(&a)); n > 4096 {
		t.Errorf("%d instructions", n)
	}
	s := dgram(t, "[::]:0")
	if err := s.Retune(config.SocketOptions{Peers: &a}); err != nil {
		t.Error(err)
	}
}

// A socket that is to hear one sender hears neither another port nor another address.
func TestSenderFilter(t *testing.T) {
	for _, l := range loopbacks {
		t.Run(l.name, func(t *testing.T) {
			s := dgram(t, l.bind)
			one, other := dial(t, "udp", reach(s, l.dial)), dial(t, "udp", reach(s, l.dial))
			sender := netip.MustParseAddrPort(one.LocalAddr().String())
			hearing := func(a netip.AddrPort) (text string) {
				t.Helper()
				must(t, s.control(func(fd int) error { return hearOnly(fd, a) }))
				send(t, other, "other")
				send(t, one, "one")
				var b [10]byte
				for {
					n, _, err := s.Peek(b[:])
					if err != nil {
						return text
					}
					text += string(b[:n]) + " "
					s.Drop()
				}
			}
			if got := hearing(sender); got != "one " {
				t.Errorf("heard %q", got)
			}
			elsewhere := netip.AddrPortFrom(sender.Addr().Prev(), sender.Port())
			if got := hearing(elsewhere); got != "" {
				t.Errorf("of another address, heard %q", got)
			}
		})
	}
}
