package socket

import (
	"encoding/binary"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// An injector puts datagrams on local sockets in the name of their true sender, foreign or local: it sends whole
// IP packets over loopback. It needs CAP_NET_RAW. A UDP socket bound to the sender's address with IP_TRANSPARENT
// would not do, since the port of a sender on this machine is taken by the sender.
type injector struct{ fd int }

// newInjector fails with EPERM for an ordinary user. The caller closes it.
func newInjector(family int) (injector, error) {
	// IPPROTO_RAW: headers included when sending, and nothing is ever received.
	fd, err := unix.Socket(family, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
	return injector{fd}, os.NewSyscallError("socket", err)
}

func (i injector) close() { unix.Close(i.fd) }

// send never waits. from and to have the injector's family.
func (i injector) send(from, to netip.AddrPort, data []byte) error {
	p := packet(from, to, data)
	if p == nil {
		return unix.EMSGSIZE
	}
	// A raw socket's port is a protocol number, or nothing.
	err := unix.Sendto(i.fd, p, unix.MSG_DONTWAIT, sockaddr(netip.AddrPortFrom(to.Addr(), 0)))
	return os.NewSyscallError("sendto", err)
}

const (
	header4   = 20
	header6   = 40
	headerUDP = 8
	hops      = 64
)

// packet builds the IP (RFC 791, RFC 8200) and UDP (RFC 768) headers around data; nil if that is too long.
// For IPv4 the kernel fills in the identification and the header's checksum.
func packet(from, to netip.AddrPort, data []byte) []byte {
	header, length := header6, headerUDP+len(data)
	limit := 0xffff
	if from.Addr().Is4() {
		header, limit = header4, 0xffff-header4
	}
	if length > limit {
		return nil
	}
	p := make([]byte, header+length)
	source, destination := from.Addr().AsSlice(), to.Addr().AsSlice()
	if header == header4 {
		p[0], p[8], p[9] = 4<<4|header4/4, hops, unix.IPPROTO_UDP
		binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
		copy(p[12:], source)
		copy(p[16:], destination)
	} else {
		p[0], p[6], p[7] = 6<<4, unix.IPPROTO_UDP, hops
		binary.BigEndian.PutUint16(p[4:], uint16(length))
		copy(p[8:], source)
		copy(p[24:], destination)
	}
	u := p[header:]
	binary.BigEndian.PutUint16(u[0:], from.Port())
	binary.BigEndian.PutUint16(u[2:], to.Port())
	binary.BigEndian.PutUint16(u[4:], uint16(length))
	copy(u[headerUDP:], data)
	binary.BigEndian.PutUint16(u[6:], checksum(source, destination, u))
	return p
}

// checksum is UDP's over the pseudo-header and the datagram, whose checksum field is still 0.
func checksum(source, destination, datagram []byte) uint16 {
	sum := sum16(source) + sum16(destination) + sum16(datagram) + unix.IPPROTO_UDP + uint32(len(datagram))
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	if sum == 0xffff {
		return 0xffff // the complement would be 0, which means "none"
	}
	return ^uint16(sum)
}

// sum16 adds up big-endian words; 64 KiB cannot overflow it.
func sum16(b []byte) (sum uint32) {
	for ; len(b) >= 2; b = b[2:] {
		sum += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	return sum
}
