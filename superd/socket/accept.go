package socket

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// Accept waits for a connection. The caller closes fd, which is close-on-exec and, unless nonblock is asked for,
// in blocking mode: what a program expects, with no fcntl afterwards. An IPv4 connection of a dual-stack socket
// is turned into an AF_INET one for a program (not with nonblock), since old programs know no mapped addresses;
// the kernel refuses that if the client has already closed its side.
//
// When Exhausted says so of the error, the connection is still queued and the caller backs off.
// ErrInterrupted, ErrDrained and ErrClosed are the other ends; connections that die in the queue are skipped.
func (s *Socket) Accept(nonblock bool) (fd int, peer netip.AddrPort, err error) {
	flags := unix.SOCK_CLOEXEC
	if nonblock {
		flags |= unix.SOCK_NONBLOCK
	}
	var sa syscall.Sockaddr
	var failure error
	err = s.park(func(l uintptr) bool {
		fd, sa, failure = accept(int(l), flags)
		return failure != unix.EAGAIN
	})
	if err != nil {
		return -1, netip.AddrPort{}, err
	}
	if failure != nil {
		return -1, netip.AddrPort{}, fmt.Errorf("accept on %s: %w", name(s.endpoint), failure)
	}
	peer = acceptedFrom(sa)
	if !nonblock && s.family == unix.AF_INET6 && peer.Addr().Is4() {
		unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_ADDRFORM, unix.AF_INET)
	}
	return fd, peer, nil
}

// accept skips connections that died in the queue. Each of them leaves the queue, so that this ends; the bound
// is for an error that turns out to stay.
//
// It is package syscall's accept4, since that of package unix asks for each connection's protocol as well (getsockopt).
func accept(l, flags int) (fd int, sa syscall.Sockaddr, err error) {
	for range 128 {
		fd, sa, err = syscall.Accept4(l, flags)
		if err == nil || !stillborn(err) {
			break
		}
	}
	return fd, sa, err
}

func acceptedFrom(sa syscall.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *syscall.SockaddrInet4:
		return addrPort(&unix.SockaddrInet4{Port: sa.Port, Addr: sa.Addr})
	case *syscall.SockaddrInet6:
		return addrPort(&unix.SockaddrInet6{Port: sa.Port, Addr: sa.Addr, ZoneId: sa.ZoneId})
	}
	return netip.AddrPort{}
}

// stillborn is about accept(2)'s "Error handling": the errors of a new connection that Linux passes on, and
// those after which one simply tries again.
func stillborn(err error) bool {
	switch err {
	case unix.ECONNABORTED, unix.EINTR, unix.EPERM, unix.EPROTO, unix.ENOPROTOOPT, unix.ENONET,
		unix.ENETDOWN, unix.ENETUNREACH, unix.EHOSTDOWN, unix.EHOSTUNREACH, unix.ETIMEDOUT:
		return true
	}
	return false
}

// Exhausted says that the machine or the process has run out of descriptors or memory: it passes by itself.
func Exhausted(err error) bool {
	return errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) ||
		errors.Is(err, unix.ENOBUFS) || errors.Is(err, unix.ENOMEM)
}
