package spawn

import (
	"os"
	"os/signal"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// adopts reports whether the processes that others leave behind become this process's children: it is process 1, as
// in a container, or a subreaper.
func adopts() bool {
	var subreaper int32
	_ = unix.Prctl(unix.PR_GET_CHILD_SUBREAPER, uintptr(unsafe.Pointer(&subreaper)), 0, 0, 0)
	return os.Getpid() == 1 || subreaper != 0
}

// Orphans may stay zombies for a moment: looking for them walks all children.
const (
	sweepEvery = time.Second
	sweepAgain = 20 * time.Millisecond
)

// sweep reaps adopted orphans until Close.
func (s *Starter) sweep() {
	childEnded := make(chan os.Signal, 1)
	signal.Notify(childEnded, syscall.SIGCHLD)
	defer signal.Stop(childEnded)
	for {
		select {
		case <-childEnded:
		case <-s.done:
			return
		}
		for wait := sweepEvery; wait != 0; {
			select {
			case <-time.After(wait):
			case <-s.done:
				return
			}
			wait = 0
			if !s.sweepOnce() {
				wait = sweepAgain
			}
		}
	}
}

// sweepOnce reports false if a child of ours stood before what may be orphans. While no fork is under way, every dead
// child that is not in the table is an orphan, and none is stopped at exec.
func (s *Starter) sweepOnce() bool {
	s.forks.Lock()
	defer s.forks.Unlock()
	for {
		pid, _, _, err := peek(unix.P_ALL, 0, unix.WEXITED|unix.WNOHANG)
		if err != nil || pid == 0 {
			return true
		}
		if s.owns(pid) {
			return false
		}
		_, _ = wait4(pid, nil, syscall.WNOHANG, nil)
	}
}

func (s *Starter) owns(pid int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.children[pid] != nil
}

// hushChildren makes SIGCHLD's disposition the default: then the kernel drops it, where it would wake a thread for
// the handler that Go's runtime has installed and that does nothing. Children become zombies all the same.
func hushChildren() {
	syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(syscall.SIGCHLD), uintptr(unsafe.Pointer(&defaultAction)), 0, sigsetSize, 0, 0)
}
