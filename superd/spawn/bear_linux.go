package spawn

import (
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// bear forks for c; born, which must follow if there is no error, tells what has become of the child. syscall.ForkExec
// is not used: it sets some sixty signal dispositions one by one for each child, takes a pipe to learn of errors, keeps Go's
// scheduler waiting until the exec, and has no place for limits, umask and nice value.
func (b *birth) bear(c *Command, own *inheritance, s *slots) (pid int, err error) {
	s.borrow(b, c.Fd)
	pid, err = b.conceive(c, own, s.top)
	if err != nil {
		s.giveBack(b)
	}
	return pid, err
}

func (b *birth) conceive(c *Command, own *inheritance, top int) (pid int, err error) {
	for {
		if err := b.lay(c, own, top); err != nil {
			return 0, err
		}
		pid, err = b.fork(syscall.SIGCHLD)
		if err == nil {
			return pid, nil
		}
		if oldClone.Load() || !withoutClone3(err) {
			return 0, &Error{Step: "fork", Err: err}
		}
		oldClone.Store(true)
	}
}

// born waits until the child is its program, or says why it is not: then it has exited, or will when it is killed.
func (b *birth) born(pid int, c *Command, s *slots) error {
	b.await(pid)
	s.giveBack(b)
	switch {
	case b.pidfd < 0:
		return &Error{Step: "pidfd", Err: syscall.ENOSYS}
	case b.failed.errno != 0:
		return explain(c, b.names[b.failed.step], syscall.Errno(b.failed.errno))
	}
	return nil
}

// oldClone is set when clone3(2), or its CLONE_CLEAR_SIGHAND, turns out to be missing: before Linux 5.5, and where a seccomp
// filter forbids what it cannot look into.
var oldClone atomic.Bool

func withoutClone3(err error) bool {
	return err == syscall.ENOSYS || err == syscall.EINVAL || err == syscall.EPERM
}

// fork makes a child that takes the steps. Nothing of the birth may be touched until over says that it has, or has failed to:
// it is its program then, or has exited.
func (b *birth) fork(exit syscall.Signal) (pid int, err error) {
	*b.failed, b.pidfd, b.busy, b.clock = failure{}, -1, 1, unix.Timespec{}
	nr, args := b.call(exit)
	offLeader(func() {
		var old unix.Sigset_t
		if old, err = setMask(&allSignals); err != nil {
			return
		}
		shield()
		if b.copied {
			pid = copyfork(nr, &args, &b.steps[0], uintptr(len(b.steps)), b.failed)
		} else {
			pid = fork(nr, &args, &b.steps[0], uintptr(len(b.steps)), b.failed)
		}
		_, _ = setMask(&old)
	})
	if pid < 0 {
		return 0, syscall.Errno(-pid)
	}
	if b.copied {
		b.busy = 0 // CLONE_VFORK has waited
	}
	return pid, err
}

func (b *birth) over() bool { return atomic.LoadInt32(&b.busy) == 0 }

// calledExec is when the child called exec, which was before now; or now, if that is not known.
func (b *birth) calledExec(now time.Time) time.Time {
	var clock unix.Timespec
	_, _, errno := syscall.RawSyscall(unix.SYS_CLOCK_GETTIME, unix.CLOCK_MONOTONIC, uintptr(unsafe.Pointer(&clock)), 0)
	if b.clock == (unix.Timespec{}) || errno != 0 {
		return now
	}
	return now.Add(-time.Duration(clock.Nano() - b.clock.Nano()))
}

// call is the system call that forks.
func (b *birth) call(exit syscall.Signal) (nr uintptr, args [5]uintptr) {
	flags, pidfd, busy := uintptr(unix.CLONE_PIDFD), uintptr(unsafe.Pointer(&b.pidfd)), uintptr(unsafe.Pointer(&b.busy))
	if b.copied {
		flags |= unix.CLONE_VFORK
	} else {
		flags |= unix.CLONE_VM | unix.CLONE_CHILD_CLEARTID
		if b.narrow {
			flags |= unix.CLONE_FILES
		}
	}
	if !oldClone.Load() {
		b.clone = cloneArgs{
			flags: uint64(flags) | unix.CLONE_CLEAR_SIGHAND, pidfd: uint64(pidfd), childTID: uint64(busy), exitSignal: uint64(exit),
		}
		return unix.SYS_CLONE3, [5]uintptr{uintptr(unsafe.Pointer(&b.clone)), unsafe.Sizeof(b.clone)}
	}
	flags |= uintptr(exit)
	switch runtime.GOARCH {
	case "amd64":
		return unix.SYS_CLONE, [5]uintptr{flags, 0, pidfd, busy, 0}
	case "s390x":
		return unix.SYS_CLONE, [5]uintptr{0, flags, pidfd, busy, 0}
	default:
		return unix.SYS_CLONE, [5]uintptr{flags, 0, pidfd, 0, busy}
	}
}

// patience is how long a child may take before it is told to go on.
const patience = 100 * time.Millisecond

// await waits for the child's exec or exit. In between the child is already the user that the program runs as, so that user
// may have stopped it; but nobody can make the daemon wait like that for longer than patience.
func (b *birth) await(pid int) {
	wait := unix.NsecToTimespec(int64(patience))
	for !b.over() {
		_, _, err := syscall.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&b.busy)), futexWait, 1, uintptr(unsafe.Pointer(&wait)), 0, 0)
		if err == syscall.ETIMEDOUT {
			_ = syscall.Kill(pid, syscall.SIGCONT)
		}
	}
}

// futexWait is FUTEX_WAIT of futex(2), as the kernel wakes for CLONE_CHILD_CLEARTID: not FUTEX_PRIVATE.
const futexWait = 0

func setMask(set *unix.Sigset_t) (old unix.Sigset_t, err error) {
	err = unix.PthreadSigmask(unix.SIG_SETMASK, set, &old)
	return old, err
}

var forkName = [16]byte{'s', 'p', 'a', 'w', 'n'}

// shield names this thread, and so the child until it execs, differently from the daemon: `killall -HUP superd` goes
// by that name and would end children that are about to become a server.
func shield() {
	syscall.RawSyscall(syscall.SYS_PRCTL, unix.PR_SET_NAME, uintptr(unsafe.Pointer(&forkName[0])), 0)
}

// offLeader runs f on a thread that f keeps to its end, and that is not the process's first, whose name is the process's own.
func offLeader(f func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if unix.Gettid() != ownPid {
		f()
		return
	}
	done := make(chan struct{})
	go func() { // elsewhere, since this goroutine has the leader
		defer close(done)
		offLeader(f)
	}()
	<-done
}

var ownPid = os.Getpid() // a system call each time, in Go
