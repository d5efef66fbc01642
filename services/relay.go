package services

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Stream is one side of a Relay: a TCP connection whose descriptor is in nonblocking mode and can be used directly.
type Stream interface {
	net.Conn
	syscall.Conn
	CloseWrite() error
}

// ErrIdle is Relay's error when nothing has moved for too long.
var ErrIdle = errors.New("idle for too long")

// Relay carries bytes both ways between two connections until both sides have ended theirs, and returns how many went
// from a to b and from b to a. A side that only ends its own half (shutdown(2)) still gets the other's. A reset of one
// side resets the other. With idle above 0 it ends when no byte has moved for that long.
//
// Relay does not close the connections, and may leave deadlines on them. While nothing moves it holds two parked
// goroutines, and no buffer and no descriptor beside those of the connections.
func Relay(a, b Stream, idle time.Duration) (sent, received int64, err error) {
	r := relay{idle: idle, began: time.Now()}
	there, err := newHalf(&r, a, b)
	if err != nil {
		return 0, 0, err
	}
	back, err := newHalf(&r, b, a)
	if err != nil {
		return 0, 0, err
	}
	if idle > 0 {
		r.watch(a, b)
		defer r.rest()
	}
	var other error
	var both sync.WaitGroup
	both.Go(func() {
		if other = back.run(); other != nil {
			stop(a, b)
		}
	})
	if err = there.run(); err != nil {
		stop(a, b)
	}
	both.Wait()
	return there.moved, back.moved, r.outcome(a, b, err, other)
}

// relay is what the two halves share.
type relay struct {
	idle  time.Duration
	began time.Time
	last  atomic.Int64 // when bytes moved last, in nanoseconds since began

	mu    sync.Mutex
	timer *time.Timer
	quiet bool // ended for having been idle
	over  bool
}

// watch ends the relay when it has been idle. The timer looks at the clock's last mark instead of being reset by every read.
func (r *relay) watch(a, b Stream) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.timer = time.AfterFunc(r.idle, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.over {
			return
		}
		if left := r.idle - (time.Since(r.began) - time.Duration(r.last.Load())); left > 0 {
			r.timer.Reset(left)
			return
		}
		r.quiet = true
		stop(a, b)
	})
}

func (r *relay) rest() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
	r.timer.Stop()
}

// outcome is what Relay returns for the errors of its halves. A deadline is mostly the other half's end, and says nothing then.
func (r *relay) outcome(a, b Stream, errs ...error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.quiet {
		return ErrIdle
	}
	var late error
	for _, err := range errs {
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			late = err
		case errors.Is(err, syscall.ECONNRESET):
			abort(a)
			abort(b)
			return nil
		case err != nil:
			return ended(err)
		}
	}
	return late
}

// stop wakes both halves.
func stop(a, b Stream) {
	now := time.Now()
	_ = a.SetDeadline(now) // a closed connection has woken its half already
	_ = b.SetDeadline(now)
}

// abort makes the coming Close a reset.
func abort(c Stream) {
	if raw, err := c.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) {
			_ = syscall.SetsockoptLinger(int(fd), syscall.SOL_SOCKET, syscall.SO_LINGER, &syscall.Linger{Onoff: 1})
		})
	}
}

// half carries one direction. What it carries in is borrowed while there is something to carry.
type half struct {
	*relay
	from, to   syscall.RawConn
	out        Stream
	moved      int64
	vessel     vessel
	n          int
	err        error
	fill, pour func(fd uintptr) bool // made once
}

// vessel takes what a descriptor has and gives it to another. It is empty when it is borrowed and when it is given back.
type vessel interface {
	fill(fd int) (int, error) // 0: end of file
	pour(fd int) error        // EAGAIN: not all of it yet
	release(broken bool)      // broken: it may not be empty
}

func newHalf(r *relay, from, to Stream) (*half, error) {
	h := &half{relay: r, out: to}
	var err error
	if h.from, err = from.SyscallConn(); err != nil {
		return nil, err
	}
	if h.to, err = to.SyscallConn(); err != nil {
		return nil, err
	}
	h.fill = func(fd uintptr) bool {
		h.vessel = borrow()
		h.n, h.err = h.vessel.fill(int(fd))
		if h.n > 0 && h.err == nil {
			return true
		}
		h.vessel.release(false)
		h.vessel = nil
		return h.err != syscall.EAGAIN
	}
	h.pour = func(fd uintptr) bool {
		h.err = h.vessel.pour(int(fd))
		return h.err != syscall.EAGAIN
	}
	return h, nil
}

// run carries until the end of file, which it passes on, or until one side fails.
func (h *half) run() error {
	for {
		if err := h.from.Read(h.fill); err != nil {
			return err
		}
		if h.err != nil {
			return h.err
		}
		if h.n == 0 {
			_ = h.out.CloseWrite() // fails only where there is nobody left to tell
			return nil
		}
		if h.idle > 0 {
			h.last.Store(int64(time.Since(h.began)))
		}
		err := h.to.Write(h.pour)
		if err == nil {
			err = h.err
		}
		h.vessel.release(err != nil)
		h.vessel = nil
		if err != nil {
			return err
		}
		h.moved += int64(h.n)
	}
}

// box is a vessel of memory, for when no pipe can be had.
type box struct {
	bytes      *[32 << 10]byte
	start, end int
}

func newBox() *box { return &box{bytes: pool.Get().(*[32 << 10]byte)} }

func (b *box) fill(fd int) (n int, err error) {
	b.start, b.end = 0, 0
	for {
		if n, err = syscall.Read(fd, b.bytes[:]); err != syscall.EINTR {
			break
		}
	}
	if err != nil {
		return 0, err
	}
	b.end = n
	return n, nil
}

func (b *box) pour(fd int) error {
	for b.start < b.end {
		n, err := syscall.SendmsgN(fd, b.bytes[b.start:b.end], nil, nil, syscall.MSG_NOSIGNAL)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return err
		case n == 0:
			return io.ErrUnexpectedEOF
		}
		b.start += max(n, 0)
	}
	return nil
}

func (b *box) release(bool) { pool.Put(b.bytes) }
