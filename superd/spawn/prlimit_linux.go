package spawn

import (
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"superd/superd/config"
)

// prlimitAs is prlimit(2) on another user's process for a root without CAP_SYS_RESOURCE, as in most containers. The
// kernel then asks for real ids equal to all of the target's ids. A thread of the daemon must not take those, not
// for a microsecond: kill(2) takes thread ids too, and looks at the real uid, so the user could kill the daemon. A
// copy of the process does it: a plain fork, which makes a few system calls and is gone.
//
// It has no exit signal, so that only a wait with __WCLONE sees it. The user can stop or kill it: then the start fails.
// With an error, limits[n] is the one that could not be set.
func prlimitAs(who *config.Credential, pid int, limits []resourceLimit) (n int, err error) {
	old, err := setMask(&allButTrap)
	if err != nil {
		return 0, err
	}
	helper, errno := forkPrlimit(uintptr(who.Uid), uintptr(who.Gid), uintptr(pid), limits)
	_, _ = setMask(&old)
	if errno != 0 {
		return 0, os.NewSyscallError("clone", errno)
	}
	var status syscall.WaitStatus
	for {
		_, err := wait4(int(helper), &status, wclone|unix.WUNTRACED, nil)
		switch {
		case err != nil:
			return 0, os.NewSyscallError("wait4", err)
		case status.Stopped():
			syscall.Kill(int(helper), syscall.SIGKILL)
		case status.Signaled():
			return 0, syscall.EINTR
		case status.ExitStatus() != 0:
			return status.ExitStatus() - 1, syscall.EPERM
		default:
			return 0, nil
		}
	}
}

const wclone = -1 << 31 // __WCLONE; unix.WCLONE does not fit the int of 32-bit machines

// forkPrlimit returns in the parent only. The child has one thread, no scheduler and locks in any state: nothing but
// raw system calls, and no stack growth. It exits with 1 more than the index of the limit that it could not set.
//
//go:nosplit
//go:norace
//go:nocheckptr
func forkPrlimit(uid, gid, pid uintptr, limits []resourceLimit) (uintptr, syscall.Errno) {
	const same = ^uintptr(0)
	helper, _, errno := syscall.RawSyscall6(syscall.SYS_CLONE, 0, 0, 0, 0, 0, 0)
	if errno != 0 || helper != 0 {
		return helper, errno
	}
	_, _, errno = syscall.RawSyscall(unix.SYS_SETRESGID, gid, same, same)
	if errno == 0 {
		_, _, errno = syscall.RawSyscall(unix.SYS_SETRESUID, uid, same, same)
	}
	failed := uintptr(0)
	for i := range limits {
		if errno == 0 {
			l := &limits[i]
			_, _, errno = syscall.RawSyscall6(unix.SYS_PRLIMIT64, pid, l.resource, uintptr(unsafe.Pointer(&l.value)), 0, 0, 0)
		}
		if errno != 0 && errno != syscall.ESRCH { // ESRCH: it has just been killed
			failed = uintptr(i) + 1
			break
		}
	}
	for {
		syscall.RawSyscall(unix.SYS_EXIT_GROUP, failed, 0, 0)
	}
}
