package spawn

import (
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// killGroup signals the process group that ch leads. A daemon without CAP_KILL may not signal other users' processes; if it may
// switch users, a process that does so sends the signal: a thread of the daemon must not take another user's id, not for
// a microsecond, since kill(2) takes thread ids too and the user could kill the daemon. Only the effective id is
// changed, so that the user cannot signal that process either. It has no exit signal: only a wait with __WCLONE sees it.
func (s *Starter) killGroup(ch *child, sig syscall.Signal) error {
	err := syscall.Kill(-ch.pid, sig)
	if err != syscall.EPERM || ch.user == nil {
		return err
	}
	setresuid, same := uintptr(unix.SYS_SETRESUID), ^uintptr(0)
	if runtime.GOARCH == "386" || runtime.GOARCH == "arm" {
		setresuid = 208 // setresuid32
	}
	b := s.nursery.spare
	b.steps, b.names = b.steps[:0], b.names[:0]
	b.do("", setresuid, same, uintptr(*ch.user), same)
	b.do("", unix.SYS_KILL, uintptr(-ch.pid), uintptr(sig))
	helper, err := b.fork(0)
	if err != nil {
		return err
	}
	b.await(helper)
	closeNow(int(b.pidfd))
	const wclone = -1 << 31 // __WCLONE; unix.WCLONE does not fit the int of 32-bit machines
	if _, err := wait4(helper, nil, wclone, nil); err != nil {
		return err
	}
	if b.failed.errno != 0 {
		return syscall.Errno(b.failed.errno)
	}
	return nil
}

// isInit reports whether this is process 1, whose end the kernel makes that of every process of its namespace.
func isInit() bool { return ownPid == 1 }

// signalEverybody is what process 1 does, which answers for all that its programs have left behind. It reports whether
// this process is it.
func signalEverybody(sig syscall.Signal) bool {
	if !isInit() {
		return false
	}
	_ = syscall.Kill(-1, sig) // all but ourselves; that there is nobody is as good
	return true
}

// othersLeft reports whether process 1 has adopted somebody who still lives. For any other process it is false.
func (s *Starter) othersLeft() bool {
	if !isInit() {
		return false
	}
	s.sweepOnce()
	_, _, _, err := peek(unix.P_ALL, 0, unix.WEXITED|unix.WNOHANG)
	return err != unix.ECHILD
}
