package spawn

import (
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// killGroup signals the process group that ch leads. A daemon without CAP_KILL may not signal other users' processes; if it may
// switch users, a process that does so sends the signal, for the reasons that prlimitAs gives.
func (ch *child) killGroup(sig syscall.Signal) error {
	err := syscall.Kill(-ch.pid, sig)
	if err != syscall.EPERM || ch.user == nil {
		return err
	}
	setreuid := uintptr(unix.SYS_SETREUID)
	if runtime.GOARCH == "386" || runtime.GOARCH == "arm" {
		setreuid = 203 // setreuid32
	}
	calls := []call{
		{nr: setreuid, a: uintptr(*ch.user), b: uintptr(*ch.user)},
		{nr: unix.SYS_KILL, a: uintptr(-ch.pid), b: uintptr(sig)},
	}
	old, err := setMask(&allSignals)
	if err != nil {
		return err
	}
	helper, err := callInProcess(calls)
	_, _ = setMask(&old)
	if err != nil {
		return err
	}
	_, err = awaitHelper(helper)
	runtime.KeepAlive(calls)
	return err
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
