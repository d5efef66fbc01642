package socket

import (
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Local is the address that fd is bound to, unmapped.
func Local(fd int) (netip.AddrPort, error) {
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return netip.AddrPort{}, os.NewSyscallError("getsockname", err)
	}
	return addrPort(sa), nil
}

func family(a netip.Addr) int {
	if a.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// addrPort is the zero AddrPort for anything but an IPv4 or IPv6 address, such as the nil of an unnamed peer.
func addrPort(sa unix.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		a := netip.AddrFrom16(sa.Addr).Unmap()
		return netip.AddrPortFrom(withZone(a, sa.ZoneId), uint16(sa.Port))
	}
	return netip.AddrPort{}
}

// rawAddrPort is addrPort for what the kernel writes, and allocates nothing.
func rawAddrPort(sa *syscall.RawSockaddrAny) netip.AddrPort {
	switch sa.Addr.Family {
	case unix.AF_INET:
		p := (*syscall.RawSockaddrInet4)(unsafe.Pointer(sa))
		return netip.AddrPortFrom(netip.AddrFrom4(p.Addr), hostOrder(p.Port))
	case unix.AF_INET6:
		p := (*syscall.RawSockaddrInet6)(unsafe.Pointer(sa))
		return netip.AddrPortFrom(withZone(netip.AddrFrom16(p.Addr).Unmap(), p.Scope_id), hostOrder(p.Port))
	}
	return netip.AddrPort{}
}

// hostOrder reads a port as it lies in a socket address: the high byte first.
func hostOrder(port uint16) uint16 {
	var b [2]byte
	binary.NativeEndian.PutUint16(b[:], port)
	return binary.BigEndian.Uint16(b[:])
}

func withZone(a netip.Addr, index uint32) netip.Addr {
	if index == 0 || !scoped(a) {
		return a
	}
	return a.WithZone(strconv.FormatUint(uint64(index), 10))
}

// scoped says that an address means nothing without its interface.
func scoped(a netip.Addr) bool {
	return a.Is6() && (a.IsLinkLocalUnicast() || a.IsLinkLocalMulticast() || a.IsInterfaceLocalMulticast())
}

// sockaddr has the address's own family.
func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16(), ZoneId: zone(a.Addr())}
}

// sockaddrFor has the family of the socket it is for: IPv4 is mapped on an IPv6 socket.
func sockaddrFor(socketFamily int, a netip.AddrPort) unix.Sockaddr {
	if socketFamily == unix.AF_INET6 && a.Addr().Is4() {
		return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
	}
	return sockaddr(a)
}

// zone is the number of the zone's interface, which a configured endpoint may name; 0 if there is none.
func zone(a netip.Addr) uint32 {
	z := a.Zone()
	if z == "" {
		return 0
	}
	if n, err := strconv.ParseUint(z, 10, 32); err == nil {
		return uint32(n)
	}
	if i, err := net.InterfaceByName(z); err == nil {
		return uint32(i.Index)
	}
	return 0
}
