package socket

import (
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Conn is an accepted connection as builtins see it: a net.Conn on Go's poller, at two system calls.
// Addresses are *net.TCPAddr. A deadline's error is os.ErrDeadlineExceeded, a closed Conn's os.ErrClosed.
type Conn struct {
	file *os.File // owns the descriptor
	raw  syscall.RawConn
	peer netip.AddrPort

	in, out atomic.Uint64 // bytes read and written
}

var _ net.Conn = (*Conn)(nil)

// NewConn takes fd over, which Accept(true) gave together with peer. Close closes it.
func NewConn(fd int, peer netip.AddrPort) (*Conn, error) {
	f := os.NewFile(uintptr(fd), "connection")
	raw, err := f.SyscallConn()
	if err != nil {
		f.Close()
		return nil, err
	}
	return &Conn{file: f, raw: raw, peer: peer}, nil
}

func (c *Conn) Read(b []byte) (int, error) {
	n, err := c.file.Read(b)
	c.in.Add(uint64(n))
	return n, err
}

func (c *Conn) Write(b []byte) (int, error) {
	n, err := c.file.Write(b)
	c.out.Add(uint64(n))
	return n, err
}

// Traffic is what was read and written so far, without what went through SyscallConn.
func (c *Conn) Traffic() Traffic { return Traffic{In: c.in.Load(), Out: c.out.Load()} }

func (c *Conn) Close() error                       { return c.file.Close() }
func (c *Conn) SetDeadline(t time.Time) error      { return c.file.SetDeadline(t) }
func (c *Conn) SetReadDeadline(t time.Time) error  { return c.file.SetReadDeadline(t) }
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.file.SetWriteDeadline(t) }

// SetNoDelay sends what is written at once (tcp(7), TCP_NODELAY).
func (c *Conn) SetNoDelay() error {
	var failure error
	if err := c.raw.Control(func(fd uintptr) {
		failure = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	}); err != nil {
		return err
	}
	return os.NewSyscallError("setsockopt", failure)
}

// SyscallConn gives the descriptor, which is in nonblocking mode, for system calls that a Conn does not have.
func (c *Conn) SyscallConn() (syscall.RawConn, error) { return c.raw, nil }

// Release takes the descriptor back out of the Conn, which is closed for its owner then: the caller closes fd. It is in
// blocking mode and, as Accept(false) would have given it, AF_INET for an IPv4 peer. After an error nothing is left open.
func (c *Conn) Release() (fd int, err error) {
	var failure error
	err = c.raw.Control(func(own uintptr) {
		if fd, failure = unix.FcntlInt(own, unix.F_DUPFD_CLOEXEC, 0); failure == nil {
			failure = unix.SetNonblock(fd, false)
		}
	})
	c.file.Close()
	if err != nil {
		return -1, err
	}
	if failure != nil {
		if fd >= 0 {
			unix.Close(fd)
		}
		return -1, os.NewSyscallError("fcntl", failure)
	}
	if c.peer.Addr().Is4() {
		unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_ADDRFORM, unix.AF_INET) // an AF_INET one refuses: it is what it should be
	}
	return fd, nil
}

// WriteLast writes b, which nothing follows, and EOF, in one packet if they fit. That the peer has gone meanwhile is no failure.
func (c *Conn) WriteLast(b []byte) error {
	var failure error
	left := b
	err := c.raw.Write(func(fd uintptr) bool {
		for len(left) > 0 && failure == nil {
			n, err := unix.SendmsgN(int(fd), left, nil, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL|unix.MSG_MORE)
			switch err {
			case nil:
				left = left[n:]
			case unix.EAGAIN:
				return false
			case unix.EINTR:
			default:
				failure = os.NewSyscallError("sendmsg", err)
			}
		}
		if failure == nil {
			_ = unix.Shutdown(int(fd), unix.SHUT_WR)
		}
		return true
	})
	c.out.Add(uint64(len(b) - len(left)))
	if err != nil {
		return err
	}
	return failure
}

// CloseWrite sends EOF and leaves the other direction open.
func (c *Conn) CloseWrite() error {
	var failure error
	if err := c.raw.Control(func(fd uintptr) { failure = unix.Shutdown(int(fd), unix.SHUT_WR) }); err != nil {
		return err
	}
	return os.NewSyscallError("shutdown", failure)
}

// LocalAddr asks the kernel each time; it is nil once the Conn is closed.
func (c *Conn) LocalAddr() net.Addr {
	var local netip.AddrPort
	err := c.raw.Control(func(fd uintptr) { local, _ = Local(int(fd)) })
	if err != nil || !local.IsValid() {
		return nil
	}
	return net.TCPAddrFromAddrPort(local)
}

func (c *Conn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.peer) }
