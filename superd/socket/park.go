package socket

import (
	"errors"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// past is a deadline that has always gone by.
var past = time.Unix(1, 0)

// park calls try, and again whenever the socket becomes readable, until it returns true. Between the calls the
// goroutine sleeps in Go's poller and holds no thread.
func (s *Socket) park(try func(fd uintptr) bool) error {
	for {
		err := s.raw.Read(try)
		if err == nil {
			return nil
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return s.ended(err)
		}
		if done, err := s.expired(try); done || err != nil {
			return err
		}
	}
}

// ended finds out why the poller gave up: Close, or something that is an error.
func (s *Socket) ended(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	return err
}

// expired finds out what the deadline that went by was for.
func (s *Socket) expired(try func(fd uintptr) bool) (done bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return true, ErrClosed
	case s.interrupted:
		return true, ErrInterrupted
	case s.drainBy.IsZero() || time.Now().Before(s.drainBy):
		s.rearmLocked() // an Interrupt with its Resume
		return false, nil
	}
	if err := s.raw.Control(func(fd uintptr) { done = try(fd) }); err != nil {
		return true, ErrClosed
	}
	if !done {
		return true, ErrDrained
	}
	return true, nil
}

// rearmLocked makes the poller's deadline say what the fields say.
func (s *Socket) rearmLocked() {
	deadline := s.drainBy
	if s.interrupted {
		deadline = past
	}
	s.file.SetReadDeadline(deadline) // fails only on a closed file, which wakes everybody anyhow
}

// Interrupt makes Accept, WaitReadable and Recv return ErrInterrupted, those parked and those to come, until Resume.
func (s *Socket) Interrupt() { s.interrupt(true) }

// Resume ends what Interrupt began.
func (s *Socket) Resume() { s.interrupt(false) }

func (s *Socket) interrupt(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.interrupted = on
	s.rearmLocked()
}

// WaitReadable returns nil when a connection or a datagram is waiting, and takes neither.
func (s *Socket) WaitReadable() error {
	return s.park(func(fd uintptr) bool { return readable(int(fd), 0) })
}

// readable asks poll(2) whether there is something to read, for at most so many milliseconds; for ever if that is negative.
func readable(fd, timeout int) bool {
	if timeout == 0 {
		return readableNow(fd)
	}
	p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	end := time.Now().Add(time.Duration(timeout) * time.Millisecond)
	for {
		n, err := unix.Poll(p, timeout)
		if err != unix.EINTR { // a signal ends poll(2), whatever it is: a child's end, or Go's own for its scheduler
			return err == nil && n > 0
		}
		if timeout > 0 {
			timeout = max(int(time.Until(end).Milliseconds()), 0)
		}
	}
}

// readableNow does not wait, so that Go's scheduler need not hear of the call.
func readableNow(fd int) bool {
	p := unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}
	var none unix.Timespec
	n, _, errno := syscall.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&p)), 1, uintptr(unsafe.Pointer(&none)), 0, 0, 0)
	return errno == 0 && n > 0
}
