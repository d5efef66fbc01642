package socket

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

var packets = []struct {
	from, to string
	header   int
	most     int // the longest datagram
}{
	{"192.0.2.7:5000", "198.51.100.1:69", header4, 65507},
	{"[2001:db8::7]:5000", "[2001:db8::1]:69", header6, 65527},
}

func TestPacket(t *testing.T) {
	for _, p := range packets {
		from, to := netip.MustParseAddrPort(p.from), netip.MustParseAddrPort(p.to)
		for _, n := range []int{0, 1, 2, 3, 1500, p.most} {
			checkPacket(t, from, to, p.header, make([]byte, n))
		}
		if packet(from, to, make([]byte, p.most+1)) != nil {
			t.Errorf("%v: a datagram that is too long becomes a packet", from)
		}
	}
}

func FuzzPacket(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\xff\xff\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, p := range packets {
			if len(data) <= p.most {
				checkPacket(t, netip.MustParseAddrPort(p.from), netip.MustParseAddrPort(p.to), p.header, data)
			}
		}
	})
}

// checkPacket verifies as a receiver does: the sum over everything, checksum included, is all ones.
func checkPacket(t *testing.T, from, to netip.AddrPort, header int, data []byte) {
	t.Helper()
	p := packet(from, to, data)
	u := p[header:]
	if string(u[headerUDP:]) != string(data) || int(binary.BigEndian.Uint16(u[4:])) != len(u) {
		t.Fatalf("packet % x around % x", p, data)
	}
	if binary.BigEndian.Uint16(u[6:]) == 0 {
		t.Fatal("no checksum")
	}
	sum := sum16(from.Addr().AsSlice()) + sum16(to.Addr().AsSlice()) + sum16(u) + unix.IPPROTO_UDP + uint32(len(u))
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	if sum != 0xffff {
		t.Fatalf("checksum is wrong: % x", p)
	}
}
