package spawn

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// callInProcess starts a process that makes the calls and exits; awaitHelper waits for it. All signals must be
// blocked on this thread, and the calls must live until the wait is over.
//
// It shares the daemon's memory: copying that, as fork does, costs milliseconds. So it must not need a stack, and is assembly.
func callInProcess(calls []call) (pid int, err error) {
	const shared = unix.CLONE_VM | unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SIGHAND
	got := cloneCalls(shared, &calls[0], uintptr(len(calls)))
	if got < 0 {
		return 0, syscall.Errno(-got)
	}
	return got, nil
}

// cloneCalls returns the new process's id, or a negative error number.
func cloneCalls(flags uintptr, calls *call, n uintptr) int
