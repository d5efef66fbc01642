package socket

import (
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"superd/superd/config"
)

// These tests have a network of their own: what is not this machine is a tun device whose other end the test holds.

// network is the outside: packets written to it arrive at tun0, packets for the outside are read from it.
type network struct {
	t   *testing.T
	tun *os.File
}

var (
	tunAddr4 = netip.MustParseAddr("198.51.100.1")
	tunAddr6 = netip.MustParseAddr("fe80::1")
)

// newNetwork moves the test's thread into an empty network namespace with lo and tun0 in it. The thread is never
// unlocked, so that it ends with the test.
func newNetwork(t *testing.T) network {
	t.Helper()
	needRoot(t)
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Skipf("no network namespace: %v", err)
	}
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Skipf("no tun device: %v", err)
	}
	ctl, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	defer unix.Close(ctl)
	tun := request(t, "tun0")
	tun.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	must(t, unix.IoctlIfreq(fd, unix.TUNSETIFF, tun))
	address := request(t, "tun0")
	must(t, address.SetInet4Addr(tunAddr4.AsSlice()))
	must(t, unix.IoctlIfreq(ctl, unix.SIOCSIFADDR, address))
	must(t, address.SetInet4Addr([]byte{255, 255, 255, 0}))
	for _, name := range []string{"lo", "tun0"} {
		up := request(t, name)
		up.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
		must(t, unix.IoctlIfreq(ctl, unix.SIOCSIFFLAGS, up))
	}
	must(t, unix.IoctlIfreq(ctl, unix.SIOCSIFNETMASK, address))
	addTunAddr6(t)
	eventually(t, "the link-local address is no longer tentative", func() bool {
		fd, _, err := newHelper(withZone(tunAddr6, uint32(tunIndex(t))))
		if err == nil {
			unix.Close(fd)
		}
		return err == nil
	})
	n := network{t, os.NewFile(uintptr(fd), "tun0")}
	t.Cleanup(func() { n.tun.Close() })
	return n
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func request(t *testing.T, name string) *unix.Ifreq {
	t.Helper()
	r, err := unix.NewIfreq(name)
	must(t, err)
	return r
}

// addTunAddr6 gives tun0 its link-local address (struct in6_ifreq of ipv6(7)).
func addTunAddr6(t *testing.T) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	defer unix.Close(fd)
	req := struct {
		addr   [16]byte
		length uint32
		index  int32
	}{tunAddr6.As16(), 64, tunIndex(t)}
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCSIFADDR, uintptr(unsafe.Pointer(&req)))
	if errno != 0 {
		t.Fatal(errno)
	}
}

func tunIndex(t *testing.T) int32 {
	t.Helper()
	i, err := net.InterfaceByName("tun0")
	must(t, err)
	return int32(i.Index)
}

// from sends a datagram as somebody outside.
func (n network) from(peer, to netip.AddrPort, text string) {
	n.t.Helper()
	peer = netip.AddrPortFrom(peer.Addr().WithZone(""), peer.Port())
	p := packet(peer, to, []byte(text))
	if peer.Addr().Is4() {
		sum := sum16(p[:header4])
		for sum > 0xffff {
			sum = sum>>16 + sum&0xffff
		}
		binary.BigEndian.PutUint16(p[10:], ^uint16(sum))
	}
	_, err := n.tun.Write(p)
	must(n.t, err)
}

// answer is the next UDP datagram that leaves for the outside: its addresses and its text.
func (n network) answer() (from, to netip.AddrPort, text string) {
	n.t.Helper()
	n.tun.SetReadDeadline(time.Now().Add(patience))
	var b [2000]byte
	for {
		size, err := n.tun.Read(b[:])
		must(n.t, err)
		p := b[:size]
		switch {
		case p[0]>>4 == 4 && p[9] == unix.IPPROTO_UDP:
			return udp(p[12:16], p[16:20], p[header4:])
		case p[0]>>4 == 6 && p[6] == unix.IPPROTO_UDP:
			return udp(p[8:24], p[24:40], p[header6:])
		}
	}
}

func udp(source, destination, u []byte) (from, to netip.AddrPort, text string) {
	a, _ := netip.AddrFromSlice(source)
	b, _ := netip.AddrFromSlice(destination)
	return netip.AddrPortFrom(a, binary.BigEndian.Uint16(u)), netip.AddrPortFrom(b, binary.BigEndian.Uint16(u[2:])), string(u[headerUDP:])
}

// TestForeignPeers goes through dgram/nowait with clients that are not on this machine.
func TestForeignPeers(t *testing.T) {
	for _, c := range []struct{ name, bind, device, to, peer, other string }{
		{"IPv4", "198.51.100.1:69", "", "198.51.100.1:69", "198.51.100.7:5000", "198.51.100.8:5000"},
		{"any IPv4", "0.0.0.0:69", "", "198.51.100.1:69", "198.51.100.7:5000", "198.51.100.8:5000"},
		{"dual-stack", "[::]:69", "", "198.51.100.1:69", "198.51.100.7:5000", "198.51.100.7:5001"},
		{"device", "0.0.0.0:69", "tun0", "198.51.100.1:69", "198.51.100.7:5000", "198.51.100.8:5000"},
		{"broadcast", "0.0.0.0:69", "", "198.51.100.255:69", "198.51.100.7:5000", "198.51.100.8:5000"},
		{"link-local", "[fe80::1%tun0]:69", "", "[fe80::1]:69", "[fe80::7]:5000", "[fe80::8]:5000"},
		{"any by link-local", "[::]:69", "", "[fe80::1]:69", "[fe80::7]:5000", "[fe80::8]:5000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNetwork(t) // here, since a subtest has a goroutine, and so a thread, of its own
			e := endpoint(config.Dgram, c.bind)
			e.Device = c.device
			s := mustOpen(t, e, Sharing{})
			s.wantDestinations()
			to, peer, other := netip.MustParseAddrPort(c.to), netip.MustParseAddrPort(c.peer), netip.MustParseAddrPort(c.other)

			n.from(peer, to, "one")
			n.from(other, to, "other")
			d := recv(t, s)
			if netip.AddrPortFrom(d.peer.Addr().WithZone(""), d.peer.Port()) != peer || d.to.Addr.WithZone("") != to.Addr() || int32(d.to.Interface) != tunIndex(t) {
				t.Errorf("received %+v", d)
			}
			fd := connected(t, s, d)
			if got, from := read(t, fd); got != "one" || from != d.peer {
				t.Errorf("first %q from %v, want it from %v", got, from, d.peer)
			}
			n.from(peer, netip.AddrPortFrom(d.to.Source.WithZone(""), 69), "two")
			if got, from := read(t, fd); got != "two" || from != d.peer {
				t.Errorf("then %q from %v", got, from)
			}
			if d := recv(t, s); d.text != "other" {
				t.Errorf("the listener gets %+v", d)
			}
			if _, err := unix.Write(fd, []byte("answer")); err != nil {
				t.Fatal(err)
			}
			if from, to, text := n.answer(); text != "answer" || to != peer || from.Addr() != d.to.Source.WithZone("") || from.Port() != 69 {
				t.Errorf("%q went from %v to %v", text, from, to)
			}
			if err := s.Send([]byte("sent"), d.peer, d.to); err != nil {
				t.Fatal(err)
			}
			if from, to, text := n.answer(); text != "sent" || to != peer || from.Addr() != d.to.Source.WithZone("") {
				t.Errorf("%q went from %v to %v", text, from, to)
			}
		})
	}
}
