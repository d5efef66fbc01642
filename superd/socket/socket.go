package socket

import (
	"errors"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"superd/superd/config"
)

var (
	// ErrInterrupted is what a parked call returns after Interrupt.
	ErrInterrupted = errors.New("interrupted")
	// ErrDrained is what Accept, WaitReadable and Recv return when a retired socket has nothing left to give.
	ErrDrained = errors.New("drained")
	// ErrClosed is what every call returns after Close.
	ErrClosed = os.ErrClosed
	// ErrEmpty is what AcceptNow and Peek return when no connection or datagram is queued.
	ErrEmpty = errors.New("nothing queued")
)

// Socket is one open endpoint. All methods may be called from several goroutines at once, except where they say
// otherwise; one goroutine parked in Accept, WaitReadable or Recv is what it is made for.
type Socket struct {
	endpoint config.Endpoint
	local    netip.AddrPort
	family   int // AF_INET or AF_INET6

	file *os.File        // owns the descriptor; only Close closes it
	raw  syscall.RawConn // every system call on the descriptor goes through it, so that none meets a reused number

	mu          sync.Mutex // guards what follows
	closed      bool
	interrupted bool
	drainBy     time.Time            // not zero: retired
	options     config.SocketOptions // in force
	pktinfo     bool                 // the destination address comes with each datagram
}

// Endpoint is what Open was asked for.
func (s *Socket) Endpoint() config.Endpoint { return s.endpoint }

// LocalAddr is the address that is bound. It differs from the endpoint's where that asks for port 0,
// and is 0.0.0.0 for [::] on a kernel without IPv6.
func (s *Socket) LocalAddr() netip.AddrPort { return s.local }

// Close closes the socket and ends every parked call with ErrClosed. A program that the socket was lent to keeps
// it. What is in a listener's queue is reset by the kernel: Retire first.
func (s *Socket) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	return s.file.Close()
}

// control runs f on the descriptor, which stays open until f is done.
func (s *Socket) control(f func(fd int) error) error {
	var ferr error
	if err := s.raw.Control(func(fd uintptr) { ferr = f(int(fd)) }); err != nil {
		return ErrClosed
	}
	return ferr
}
