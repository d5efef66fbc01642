package socket

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"superd/superd/config"
)

// Describe says which endpoint a descriptor that was handed in is, in the form that Canonical gives an endpoint of a
// configuration. It changes nothing.
func Describe(fd int) (config.Endpoint, error) {
	var e config.Endpoint
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil {
		return e, errors.New("no socket")
	}
	domain, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	if err != nil || domain != unix.AF_INET && domain != unix.AF_INET6 {
		return e, errors.New("no socket of the Internet")
	}
	protocol, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PROTOCOL)
	switch {
	case err == nil && kind == unix.SOCK_STREAM && (protocol == unix.IPPROTO_TCP || protocol == unix.IPPROTO_MPTCP):
	case err == nil && kind == unix.SOCK_DGRAM && protocol == unix.IPPROTO_UDP:
		e.SocketType = config.Dgram
	default:
		return e, errors.New("neither TCP nor UDP")
	}
	if _, err := unix.Getpeername(fd); err == nil {
		return e, errors.New("connected to a peer")
	}
	if e.Addr, err = Local(fd); err != nil {
		return e, err
	}
	if domain == unix.AF_INET6 && e.Addr.Addr().Is4() { // a socket on a mapped address would match an IPv4 one
		return e, errors.New("bound to an IPv4 address by way of IPv6")
	}
	if e.Addr.Addr() == netip.IPv6Unspecified() {
		only, err := unix.GetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY)
		if err != nil {
			return e, os.NewSyscallError("getsockopt", err)
		}
		e.V6Only = only != 0
	}
	device, err := unix.GetsockoptString(fd, unix.SOL_SOCKET, unix.SO_BINDTODEVICE)
	if err != nil {
		return e, os.NewSyscallError("getsockopt", err)
	}
	e.Device = strings.TrimRight(device, "\x00")
	return e, nil
}

// Canonical is e in the one form that two endpoints of one socket have in common: a zone is a number.
func Canonical(e config.Endpoint) config.Endpoint {
	e.Addr = addrPort(sockaddr(e.Addr))
	if e.Addr.Addr() != netip.IPv6Unspecified() {
		e.V6Only = false
	}
	return e
}

// Adopt makes a Socket of fd, which Describe has said to be e, and gives it the options that Open would. It undoes what
// an earlier daemon may have left on it: the filter of Retire, and the mode of Lend. It owns fd from then on,
// also if it fails.
func Adopt(fd int, e config.Endpoint, o config.SocketOptions) (*Socket, error) {
	s, err := adopt(fd, e, o)
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("adopt %s: %w", name(e), err)
	}
	return s, nil
}

func adopt(fd int, e config.Endpoint, o config.SocketOptions) (*Socket, error) {
	unix.CloseOnExec(fd)
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0); err != nil && err != unix.ENOENT && err != unix.EOPNOTSUPP {
		return nil, fmt.Errorf("detach filter: %w", err)
	}
	if err := reusePort(fd, 0); err != nil {
		return nil, os.NewSyscallError("setsockopt", err)
	}
	if err := tune(fd, e, o, config.SocketOptions{Peers: &config.Access{}}); err != nil {
		return nil, err
	}
	if e.SocketType == config.Stream {
		if err := unix.Listen(fd, backlog(o)); err != nil {
			return nil, os.NewSyscallError("listen", err)
		}
	}
	domain, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	if err != nil {
		return nil, os.NewSyscallError("getsockopt", err)
	}
	s := &Socket{endpoint: e, family: domain, options: o}
	return s, s.own(fd)
}

// own makes fd the socket's.
func (s *Socket) own(fd int) (err error) {
	if s.local, err = Local(fd); err != nil {
		return err
	}
	s.file = os.NewFile(uintptr(fd), "socket") // from here on the file owns fd
	s.raw, err = s.file.SyscallConn()
	return err
}

// Share runs f on the descriptor, which stays open until f is done, so that f can hand a duplicate of it to the
// service manager. f leaves it as it is.
func (s *Socket) Share(f func(fd int) error) error { return s.control(f) }

// Waiting reports whether a connection or a datagram waits to be taken.
func (s *Socket) Waiting() bool {
	waiting := false
	_ = s.control(func(fd int) error { waiting = readable(fd, 0); return nil })
	return waiting
}
