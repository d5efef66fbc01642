package spawn

import (
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// newPoll makes the epoll set. It is itself nonblocking and pollable, so that the reaper parks in the runtime's poller
// and holds no thread.
func newPoll() (poll *os.File, fd int, err error) {
	fd, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, -1, os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, -1, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(fd), "pidfds"), fd, nil
}

// retryWait is how long the reaper leaves a child alone that it cannot watch, or that has ended and cannot be had yet.
const retryWait = 100 * time.Millisecond

// arm lets the reaper have ch. An end that came before is reported at once.
//
// EPOLLONESHOT and the pid as data, not the descriptor: a concurrent fork keeps the pidfd's open file alive beyond our
// close, and its event must not come again under a number that is somebody else's by then.
func (s *Starter) arm(ch *child) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.armLocked(ch)
}

func (s *Starter) armLocked(ch *child) {
	if s.closed || s.children[ch.pid] != ch {
		return
	}
	ch.armed = true
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLONESHOT, Fd: int32(ch.pid)}
	err := pollControl(s.epfd, unix.EPOLL_CTL_ADD, ch.pidfd, &event)
	if err == unix.EEXIST {
		err = pollControl(s.epfd, unix.EPOLL_CTL_MOD, ch.pidfd, &event)
	}
	if err != nil { // no memory, or too many watches: the program runs, and its end must be seen
		time.AfterFunc(retryWait, func() { s.arm(ch) })
	}
}

// reap runs until Close.
func (s *Starter) reap() {
	conn, err := s.poll.SyscallConn()
	if err != nil {
		panic(fmt.Sprintf("spawn: epoll set: %v", err)) // only a nil or closed file does that
	}
	var events [128]unix.EpollEvent
	_ = conn.Read(func(fd uintptr) bool {
		for {
			n, err := pollNow(int(fd), events[:])
			if err == unix.EINTR {
				continue
			}
			if n <= 0 {
				return false // park until there is more
			}
			for _, e := range events[:n] {
				s.ended(int(e.Fd))
			}
			if n < len(events) {
				return false // what comes later wakes us again: the runtime's poller is edge-triggered
			}
		}
	})
}

// ended reaps one child and tells its owner.
func (s *Starter) ended(pid int) {
	if l := s.take(func(l *launch) bool { return l.child.pid == pid && l.over() }); l != nil {
		s.settle(l)
	}
	exit, ch := s.collect(pid)
	if ch == nil {
		return
	}
	ch.exited(exit)
	s.finish()
}

// collect waits for pid, which has ended, under the mutex: the pid is free for others from then on, and Signal must know.
func (s *Starter) collect(pid int) (Exit, *child) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.children[pid]
	if ch == nil {
		return Exit{}, nil
	}
	if ch.aloft { // somebody is settling it
		ch.missed = true
		return Exit{}, nil
	}
	var status syscall.WaitStatus
	var usage syscall.Rusage
	got, err := waitNow(pid, &status, &usage)
	if got == 0 && err == nil { // a debugger that is attached has it first
		time.AfterFunc(retryWait, func() { s.arm(ch) })
		return Exit{}, nil
	}
	s.forgetLocked(pid, ch)
	exit := newExit(ch, status, &usage)
	if err != nil {
		exit.Code = -1
	}
	return exit, ch
}

func (s *Starter) forgetLocked(pid int, ch *child) {
	delete(s.children, pid)
	closeNow(ch.pidfd)
}

func newExit(ch *child, status syscall.WaitStatus, usage *syscall.Rusage) Exit {
	e := Exit{
		Pid:     ch.pid,
		Code:    status.ExitStatus(),
		Core:    status.CoreDump(),
		User:    time.Duration(usage.Utime.Nano()),
		System:  time.Duration(usage.Stime.Nano()),
		MaxRSS:  int64(usage.Maxrss) << 10,
		Started: ch.started,
		Ended:   time.Now(),
	}
	if status.Signaled() {
		e.Signal = status.Signal()
	}
	return e
}

// wait4 is wait4(2), undisturbed by signals.
func wait4(pid int, status *syscall.WaitStatus, options int, usage *syscall.Rusage) (int, error) {
	for {
		got, err := syscall.Wait4(pid, status, options, usage)
		if err != syscall.EINTR {
			return got, err
		}
	}
}

// destroy ends and reaps a child that is in no table.
func destroy(pid, pidfd int) {
	syscall.Kill(pid, syscall.SIGKILL)
	var status syscall.WaitStatus
	for {
		_, err := wait4(pid, &status, 0, nil)
		if err != nil || status.Exited() || status.Signaled() {
			break
		}
	}
	unix.Close(pidfd)
}
