package spawn

import (
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"superd/superd/config"
)

// fork starts c on this thread, which must be locked and not the process's first. syscall.ForkExec and not os/exec:
// that would block a thread for each child, and make the descriptor blocking for the daemon too.
func fork(c *Command) (pid, pidfd int, err error) {
	p := c.Program
	pidfd = -1
	attr := attributes(c, &pidfd)
	shield()
	keepCapabilities()
	mask := noSignals
	if attr.Sys.Ptrace {
		mask = allButTrap
	}
	old, err := setMask(&mask)
	if err != nil {
		return 0, -1, &Error{Step: "signal mask", Err: err}
	}
	pid, err = syscall.ForkExec(p.Path, arguments(p), attr)
	_, _ = setMask(&old)
	switch {
	case err != nil:
		return 0, -1, diagnose(p, err)
	case pidfd < 0:
		destroy(pid, pidfd)
		return 0, -1, &Error{Step: "pidfd", Err: syscall.ENOSYS}
	case attr.Sys.Ptrace:
		if err := limit(pid, p); err != nil {
			destroy(pid, pidfd)
			return 0, -1, err
		}
	}
	return pid, pidfd, nil
}

func attributes(c *Command, pidfd *int) *syscall.ProcAttr {
	p, fd := c.Program, uintptr(c.Fd)
	sys := &syscall.SysProcAttr{Setsid: true, Chroot: p.Chroot, Ptrace: len(p.Rlimits) > 0, PidFD: pidfd}
	if u := p.Credential; u != nil {
		sys.Credential = &syscall.Credential{Uid: u.Uid, Gid: u.Gid, Groups: u.Groups}
	}
	env := make([]string, 0, len(p.Env)+len(c.Env))
	return &syscall.ProcAttr{
		Dir:   directory(p),
		Env:   append(append(env, p.Env...), c.Env...),
		Files: []uintptr{fd, fd, fd},
		Sys:   sys,
	}
}

func arguments(p *config.Program) []string {
	if len(p.Args) == 0 {
		return []string{p.Path}
	}
	return p.Args
}

func directory(p *config.Program) string {
	if p.Dir == "" {
		return "/"
	}
	return p.Dir
}

// onLeader reports whether this is the process's first thread, whose name and nice value are the process's own.
func onLeader() bool { return unix.Gettid() == ownPid }

var ownPid = os.Getpid() // a system call each time, in Go

var forkName = [16]byte{'s', 'p', 'a', 'w', 'n'}

// shield names this thread, and so the child until it execs, differently from the daemon: `killall -HUP superd` goes
// by that name and would end children that are about to become a server.
func shield() {
	syscall.RawSyscall(syscall.SYS_PRCTL, unix.PR_SET_NAME, uintptr(unsafe.Pointer(&forkName[0])), 0)
}

// The mask of the forking thread is the child's. A child that will stop at exec has all signals but that stop's held
// back until it is let go: any other would stop it before exec, where this thread, which waits for the exec, could
// not free it.
var (
	noSignals  unix.Sigset_t
	allSignals = func() (set unix.Sigset_t) {
		for i := range set.Val {
			set.Val[i] = ^set.Val[i]
		}
		return set
	}()
	allButTrap = func() unix.Sigset_t {
		set := allSignals
		set.Val[0] &^= 1 << (syscall.SIGTRAP - 1)
		return set
	}()
)

func setMask(set *unix.Sigset_t) (old unix.Sigset_t, err error) {
	err = unix.PthreadSigmask(unix.SIG_SETMASK, set, &old)
	return old, err
}

// onOwnThread runs f on a thread that no other goroutine will use again, and that is not the process's first.
func onOwnThread(f func()) {
	runtime.LockOSThread() // never unlocked: what f does to the thread dies with it
	if !onLeader() {
		f()
		return
	}
	locked, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		close(locked)
		f()
	}()
	<-locked
	runtime.UnlockOSThread()
	<-done
}
