//go:build linux && !amd64

package spawn

import "syscall"

// callInProcess starts a process that makes the calls and exits; awaitHelper waits for it. All signals must be
// blocked on this thread. The process is a copy of the daemon, which costs milliseconds where amd64 has assembly.
func callInProcess(calls []call) (pid int, err error) {
	got, errno := forkCalls(calls)
	if errno != 0 {
		return 0, errno
	}
	return int(got), nil
}

// forkCalls returns in the parent only. The child has one thread, no scheduler and locks in any state: nothing but
// raw system calls, and no stack growth.
//
//go:nosplit
//go:norace
//go:nocheckptr
func forkCalls(calls []call) (uintptr, syscall.Errno) {
	pid, _, errno := syscall.RawSyscall6(syscall.SYS_CLONE, 0, 0, 0, 0, 0, 0)
	if errno != 0 || pid != 0 {
		return pid, errno
	}
	failed := uintptr(0)
	for i := range calls {
		c := &calls[i]
		if _, _, errno = syscall.RawSyscall6(c.nr, c.a, c.b, uintptr(c.c), 0, 0, 0); errno != 0 {
			failed = uintptr(i) + 1
			break
		}
	}
	for {
		syscall.RawSyscall(syscall.SYS_EXIT_GROUP, failed, 0, 0)
	}
}
