package socket

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"
	"unsafe"

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
	return s.accept(nonblock, true)
}

// AcceptNow is Accept that does not wait: without a connection it returns ErrEmpty.
func (s *Socket) AcceptNow(nonblock bool) (fd int, peer netip.AddrPort, err error) {
	return s.accept(nonblock, false)
}

func (s *Socket) accept(nonblock, wait bool) (fd int, peer netip.AddrPort, err error) {
	flags := unix.SOCK_CLOEXEC
	if nonblock {
		flags |= unix.SOCK_NONBLOCK
	}
	var failure error
	err = s.park(func(l uintptr) bool {
		fd, peer, failure = accept(int(l), flags)
		return failure != unix.EAGAIN || !wait
	})
	if err == nil && failure != nil {
		err = s.notAccepted(failure)
	}
	if err != nil {
		return -1, netip.AddrPort{}, err
	}
	if !nonblock && s.family == unix.AF_INET6 && peer.Addr().Is4() {
		unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_ADDRFORM, unix.AF_INET)
	}
	return fd, peer, nil
}

// notAccepted is not written out in accept, whose frame is on the stack of each goroutine that waits for a connection: ten
// thousand of them fit into 2 KB each.
func (s *Socket) notAccepted(err error) error {
	if err == unix.EAGAIN {
		return ErrEmpty
	}
	return fmt.Errorf("accept on %s: %w", name(s.endpoint), err)
}

// accept skips connections that died in the queue. Each of them leaves the queue, so that this ends; the bound
// is for an error that turns out to stay.
//
// The listening socket does not block, so that Go's scheduler need not hear of the call: when it does, it wakes its
// monitor every 20 µs.
func accept(l, flags int) (fd int, peer netip.AddrPort, err error) {
	for range 128 {
		var from syscall.RawSockaddrAny
		size := uint32(syscall.SizeofSockaddrAny)
		r, _, errno := syscall.RawSyscall6(syscall.SYS_ACCEPT4, uintptr(l), uintptr(unsafe.Pointer(&from)),
			uintptr(unsafe.Pointer(&size)), uintptr(flags), 0, 0)
		if errno == 0 {
			return int(r), rawAddrPort(&from), nil
		}
		if err = errno; !stillborn(err) {
			break
		}
	}
	return -1, netip.AddrPort{}, err
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
