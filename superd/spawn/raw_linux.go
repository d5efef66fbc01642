package spawn

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// System calls that never wait are made without telling Go's scheduler of them, for which it would wake its monitor
// every 20 µs, and often another thread.

// waitNow is wait4(2) with WNOHANG.
func waitNow(pid int, status *syscall.WaitStatus, usage *syscall.Rusage) (int, error) {
	var got int32
	r, _, e := syscall.RawSyscall6(syscall.SYS_WAIT4, uintptr(pid), uintptr(unsafe.Pointer(&got)), syscall.WNOHANG, uintptr(unsafe.Pointer(usage)), 0, 0)
	*status = syscall.WaitStatus(got)
	if e != 0 {
		return -1, e
	}
	return int(r), nil
}

// closeNow is close(2) of a descriptor whose end waits for nothing.
func closeNow(fd int) { _, _, _ = syscall.RawSyscall(syscall.SYS_CLOSE, uintptr(fd), 0, 0) }

// pollNow is epoll_wait(2) without waiting.
func pollNow(epfd int, events []unix.EpollEvent) (int, error) {
	n, _, e := syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, uintptr(epfd), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), 0, 0, 0)
	if e != 0 {
		return -1, e
	}
	return int(n), nil
}

// pollControl is epoll_ctl(2).
func pollControl(epfd, op, fd int, event *unix.EpollEvent) error {
	_, _, e := syscall.RawSyscall6(syscall.SYS_EPOLL_CTL, uintptr(epfd), uintptr(op), uintptr(fd), uintptr(unsafe.Pointer(event)), 0, 0)
	if e != 0 {
		return e
	}
	return nil
}
