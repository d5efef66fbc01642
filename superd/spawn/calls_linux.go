package spawn

import (
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// call is one system call of up to three arguments, for callInProcess.
type call struct {
	nr, a, b uintptr
	c        unsafe.Pointer // keeps what it points to on the heap, where it does not move
}

// awaitHelper waits for a process of callInProcess. It exits with 0, or with 1 more than the index of the call that
// failed, which is given back as failed with EPERM.
func awaitHelper(pid int) (failed int, err error) {
	const wclone = -1 << 31 // __WCLONE; unix.WCLONE does not fit the int of 32-bit machines
	var status syscall.WaitStatus
	for {
		_, err := wait4(pid, &status, wclone|unix.WUNTRACED, nil)
		switch {
		case err != nil:
			return 0, os.NewSyscallError("wait4", err)
		case status.Stopped():
			syscall.Kill(pid, syscall.SIGKILL)
		case status.Signaled():
			return 0, syscall.EINTR
		case status.ExitStatus() != 0:
			return status.ExitStatus(), syscall.EPERM
		default:
			return 0, nil
		}
	}
}
