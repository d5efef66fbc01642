package socket

import (
	"net"
	"net/netip"
	"os"
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
	return &Conn{f, raw, peer}, nil
}

func (c *Conn) Read(b []byte) (int, error)         { return c.file.Read(b) }
func (c *Conn) Write(b []byte) (int, error)        { return c.file.Write(b) }
func (c *Conn) Close() error                       { return c.file.Close() }
func (c *Conn) SetDeadline(t time.Time) error      { return c.file.SetDeadline(t) }
func (c *Conn) SetReadDeadline(t time.Time) error  { return c.file.SetReadDeadline(t) }
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.file.SetWriteDeadline(t) }

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
