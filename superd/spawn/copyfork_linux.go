package spawn

import (
	"syscall"
	"unsafe"
)

// copyfork is fork for processors that it has no assembly for: the clone must have CLONE_VFORK and not CLONE_VM. The
// child is a copy of the daemon, which costs milliseconds with a large one, and the daemon's thread waits for its exec.
//
// The copy has one thread, no scheduler and locks in any state: nothing but raw system calls, and no stack growth.
//
//go:nosplit
//go:norace
//go:nocheckptr
func copyfork(nr uintptr, args *[5]uintptr, steps *step, n uintptr, failed *failure) (pid int) {
	got, _, errno := syscall.RawSyscall6(nr, args[0], args[1], args[2], args[3], args[4], 0)
	if errno != 0 {
		return -int(errno)
	}
	if got != 0 {
		return int(got)
	}
	for i := uintptr(0); i < n; i++ {
		s := (*step)(unsafe.Add(unsafe.Pointer(steps), i*unsafe.Sizeof(*steps)))
		if _, _, errno = syscall.RawSyscall6(s.nr, s.args[0], s.args[1], s.args[2], s.args[3], 0, 0); errno != 0 {
			failed.step, failed.errno = i, uintptr(errno)
			break
		}
	}
	for {
		syscall.RawSyscall(syscall.SYS_EXIT_GROUP, 127, 0, 0)
	}
}
