package socket

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Connected makes a second socket on the listener's port that belongs to one peer: the datagram first, which Recv
// gave with peer and to, can be read from it, and what the peer sends from now on arrives there, while everybody
// else's goes on arriving here, but for what comes in the microseconds between bind(2) and connect(2), which is
// lost. The caller closes fd, which is close-on-exec and in blocking mode, and has IPv4 peers as AF_INET.
//
// With CAP_NET_RAW recvfrom(2) shows the true peer for all of them. Without, it shows an address of this machine
// for what is in the queue at the start; getpeername(2) is right, and write(2) goes to the peer.
//
// The program must be trusted with the port: connect(2) to AF_UNSPEC turns its socket into one for everybody's datagrams.
func (s *Socket) Connected(first []byte, peer netip.AddrPort, to Destination) (fd int, err error) {
	fd, err = s.branch(first, peer, to)
	if err != nil {
		return -1, fmt.Errorf("connect %s to %s: %w", name(s.endpoint), peer, err)
	}
	return fd, nil
}

func (s *Socket) branch(first []byte, peer netip.AddrPort, to Destination) (fd int, err error) {
	fd, err = unix.Socket(family(peer.Addr()), unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	defer func() {
		if err != nil {
			unix.Close(fd)
		}
	}()
	if err := hearOnly(fd, peer); err != nil { // before others could come: until it is connected it is everybody's
		return -1, err
	}
	if err := s.join(fd, s.branchAddr(peer, to)); err != nil {
		return -1, err
	}
	if err := unix.Connect(fd, sockaddr(peer)); err != nil {
		return -1, os.NewSyscallError("connect", err)
	}
	queue := append([][]byte{first}, sweep(fd)...)
	if err := fill(fd, peer, queue); err != nil {
		if err := fillByHelper(fd, peer, queue); err != nil {
			return -1, err
		}
	}
	// Last, since what came over loopback so far would not have passed.
	if d := s.endpoint.Device; d != "" {
		if err := unix.BindToDevice(fd, d); err != nil {
			return -1, fmt.Errorf("bind to device: %w", err)
		}
	}
	return fd, nil
}

// branchAddr is where the peer expects answers from. Unspecified, the kernel chooses it at connect(2).
func (s *Socket) branchAddr(peer netip.AddrPort, to Destination) netip.AddrPort {
	a := to.Source
	if !a.IsValid() && peer.Addr().Is4() {
		a = netip.IPv4Unspecified()
	} else if !a.IsValid() {
		a = netip.IPv6Unspecified()
	}
	return netip.AddrPortFrom(a, s.local.Port())
}

// join binds fd on the listener's port. The permission to share stays on fd, for the sockets of the peers to come.
func (s *Socket) join(fd int, at netip.AddrPort) error {
	if at.Addr().Is6() {
		if err := set(fd, option{unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1}); err != nil {
			return err
		}
	}
	err := sharing([]*Socket{s}, fd, func() error { return unix.Bind(fd, sockaddr(at)) })
	if err != nil {
		return os.NewSyscallError("bind", err)
	}
	return os.NewSyscallError("setsockopt", reusePort(fd, 1))
}

// sweep takes away what the peer has sent to fd so far, to be put back behind the first.
func sweep(fd int) (own [][]byte) {
	var buf []byte
	for range mostSwept {
		if !readable(fd, 0) {
			break
		}
		if buf == nil {
			buf = make([]byte, 0xffff)
		}
		// Errors are those of ICMP, or of a datagram whose checksum was wrong.
		if n, _, err := unix.Recvfrom(fd, buf, unix.MSG_DONTWAIT); err == nil {
			own = append(own, bytes.Clone(buf[:n]))
		}
	}
	return own
}

// mostSwept bounds the datagrams whose order is kept; further ones overtake the first.
const mostSwept = 64

// fill puts the queue on a socket connected to peer, in peer's name.
func fill(fd int, peer netip.AddrPort, queue [][]byte) error {
	local, err := Local(fd)
	if err != nil {
		return err
	}
	i, err := newInjector(family(peer.Addr()))
	if err != nil {
		return err
	}
	defer i.close()
	if err := i.send(peer, local, queue[0]); err != nil {
		return err
	}
	for _, datagram := range queue[1:] {
		i.send(peer, local, datagram) // what gets lost now is lost as on the way here
	}
	return arrived(fd)
}

// errLost is for a packet filter that does not like loopback packets with foreign addresses.
var errLost = errors.New("the first datagram did not arrive")

// arrivalTimeout is in milliseconds. Loopback delivers within the system call, so that nothing waits here in earnest.
const arrivalTimeout = 100

// arrived looks whether the first datagram is in the queue, and leaves it there. The peer's next one may have
// overtaken it, as datagrams may.
func arrived(fd int) error {
	if !readable(fd, arrivalTimeout) {
		return errLost
	}
	var start [1]byte
	if _, _, err := unix.Recvfrom(fd, start[:], unix.MSG_PEEK|unix.MSG_DONTWAIT); err != nil {
		return os.NewSyscallError("recvfrom", err)
	}
	return nil
}

// fillByHelper does without privileges: fd is connected to a socket of ours for the time it takes to fill its
// queue, and to the peer again. What is queued stays.
func fillByHelper(fd int, peer netip.AddrPort, queue [][]byte) error {
	local, err := Local(fd)
	if err != nil {
		return err
	}
	helper, at, err := newHelper(local.Addr())
	if err != nil {
		return err
	}
	defer unix.Close(helper)
	if err := unix.Connect(fd, sockaddr(at)); err != nil {
		return os.NewSyscallError("connect", err)
	}
	if err := hearOnly(fd, at); err != nil {
		return err
	}
	queue = append(queue, sweep(fd)...) // what has come since the last sweep
	for _, datagram := range queue {
		if err := unix.Sendto(helper, datagram, unix.MSG_DONTWAIT, sockaddr(local)); err != nil {
			return os.NewSyscallError("sendto", err)
		}
	}
	if err := arrived(fd); err != nil {
		return err
	}
	if err := hearOnly(fd, peer); err != nil {
		return err
	}
	return os.NewSyscallError("connect", unix.Connect(fd, sockaddr(peer)))
}

// hearOnly drops what does not come from peer, for good: the program would take it for its peer's. It is connect(2) that keeps others
// away, but only from then on, and not what the kernel had found fd for before. What is dropped is lost, as datagrams may be.
func hearOnly(fd int, peer netip.AddrPort) error {
	return os.NewSyscallError("attach filter", attach(fd, senderFilter(peer)))
}

// newHelper makes a socket on any port of an address. The caller closes it.
func newHelper(a netip.Addr) (fd int, at netip.AddrPort, err error) {
	fd, err = unix.Socket(family(a), unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, at, os.NewSyscallError("socket", err)
	}
	if err = unix.Bind(fd, sockaddr(netip.AddrPortFrom(a, 0))); err != nil {
		err = os.NewSyscallError("bind", err)
	} else {
		at, err = Local(fd)
	}
	if err != nil {
		unix.Close(fd)
		return -1, at, err
	}
	return fd, at, nil
}

// Forward sends on a datagram that came in here although its peer has a connected socket: it was queued already
// when that was made. errors.ErrUnsupported without CAP_NET_RAW, and for a Device, whose sockets hear nothing
// from loopback. If the connected socket has gone meanwhile, the datagram comes back to Recv.
func (s *Socket) Forward(datagram []byte, peer netip.AddrPort, to Destination) error {
	if s.endpoint.Device != "" || !to.Source.IsValid() {
		return errors.ErrUnsupported
	}
	i, err := newInjector(family(peer.Addr()))
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		return errors.ErrUnsupported
	}
	if err == nil {
		defer i.close()
		err = i.send(peer, s.branchAddr(peer, to), datagram)
	}
	if err != nil {
		return fmt.Errorf("forward on %s from %s: %w", name(s.endpoint), peer, err)
	}
	return nil
}

// connectUnspec dissolves a datagram socket's association (connect(2)); package unix has no such address.
func connectUnspec(fd int) error {
	var unspec unix.RawSockaddr // AF_UNSPEC is 0
	_, _, errno := unix.Syscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&unspec)), unsafe.Sizeof(unspec))
	if errno != 0 {
		return os.NewSyscallError("connect", errno)
	}
	return nil
}
