package socket

import (
	"errors"
	"fmt"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"

	"superd/superd/config"
)

// Sharing names the sockets that may stand on the address to be opened without being in the way. Zero: none.
type Sharing struct {
	// Retiring are sockets of ours that will be retired once the new one is open, such as 127.0.0.1:80
	// when [::]:80 is opened. They go on working meanwhile.
	Retiring []*Socket
	// Connected is set for dgram/nowait: programs that an earlier listener, perhaps of an earlier daemon, made
	// connected sockets for may still hold the port.
	Connected bool
}

func (sh Sharing) none() bool { return len(sh.Retiring) == 0 && !sh.Connected }

// Open binds the endpoint and, for a stream socket, listens on it. [::] is dual-stack unless V6Only, and becomes
// 0.0.0.0 on a kernel without IPv6 (see LocalAddr). The caller closes the Socket.
// An error wraps the system's: EADDRINUSE, EACCES, EADDRNOTAVAIL (address not there yet), ENODEV (no such device).
func Open(e config.Endpoint, o config.SocketOptions, sh Sharing) (*Socket, error) {
	s, err := open(e, e.Addr, o, sh)
	if err != nil && wantsAny(e) && noIPv6(err) {
		s, err = open(e, netip.AddrPortFrom(netip.IPv4Unspecified(), e.Addr.Port()), o, sh)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name(e), err)
	}
	return s, nil
}

func wantsAny(e config.Endpoint) bool {
	return e.Addr.Addr() == netip.IPv6Unspecified() && !e.V6Only
}

// noIPv6 recognises a kernel built or booted without IPv6, and one with it switched off.
func noIPv6(err error) bool {
	return errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EADDRNOTAVAIL)
}

func name(e config.Endpoint) string {
	n := e.SocketType.String() + " " + e.Addr.String()
	if e.Device != "" {
		n += " on " + e.Device
	}
	return n
}

func open(e config.Endpoint, at netip.AddrPort, o config.SocketOptions, sh Sharing) (*Socket, error) {
	fd, err := newSocket(e, at)
	if err != nil {
		return nil, err
	}
	s, err := establish(fd, e, at, o, sh)
	if err != nil {
		unix.Close(fd)
	}
	return s, err
}

// sysSocket is a variable for the test of a kernel without IPv6.
var sysSocket = unix.Socket

// newSocket makes an unbound socket. The caller closes it.
func newSocket(e config.Endpoint, at netip.AddrPort) (int, error) {
	kind := unix.SOCK_STREAM
	if e.SocketType == config.Dgram {
		kind = unix.SOCK_DGRAM
	}
	return sysSocket(family(at.Addr()), kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
}

// establish takes the descriptor over only if it succeeds.
func establish(fd int, e config.Endpoint, at netip.AddrPort, o config.SocketOptions, sh Sharing) (*Socket, error) {
	if err := prepare(fd, e, at, o); err != nil {
		return nil, err
	}
	s := &Socket{endpoint: e, family: family(at.Addr()), options: o}
	err := s.bind(fd, at)
	if errors.Is(err, unix.EADDRINUSE) && !sh.none() {
		err = sharing(sh.Retiring, fd, func() error { return s.bind(fd, at) })
	}
	if err != nil {
		return nil, err
	}
	return s, s.own(fd)
}

func (s *Socket) bind(fd int, at netip.AddrPort) error {
	if err := unix.Bind(fd, sockaddr(at)); err != nil {
		return os.NewSyscallError("bind", err)
	}
	if s.endpoint.SocketType == config.Dgram {
		return nil
	}
	return os.NewSyscallError("listen", unix.Listen(fd, backlog(s.options)))
}
