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
func prlimitAs(who *config.Credential, pid, resource int, value *unix.Rlimit) error {
	old, err := setMask(&allButTrap)
	if err != nil {
		return err
	}
	helper, errno := forkPrlimit(uintptr(who.Uid), uintptr(who.Gid), uintptr(pid), uintptr(resource), value)
	_, _ = setMask(&old)
	if errno != 0 {
		return os.NewSyscallError("clone", errno)
	}
	var status syscall.WaitStatus
	for {
		_, err := wait4(int(helper), &status, wclone|unix.WUNTRACED, nil)
		switch {
		case err != nil:
			return os.NewSyscallError("wait4", err)
		case status.Stopped():
			syscall.Kill(int(helper), syscall.SIGKILL)
		case status.Signaled():
			return syscall.EINTR
		case status.ExitStatus() != 0:
			return syscall.Errno(status.ExitStatus())
		default:
			return nil
		}
	}
}

const wclone = -1 << 31 // __WCLONE; unix.WCLONE does not fit the int of 32-bit machines

// forkPrlimit returns in the parent only. The child has one thread, no scheduler and locks in any state: nothing but
// raw system calls, and no stack growth.
//
//go:nosplit
//go:norace
//go:nocheckptr
func forkPrlimit(uid, gid, pid, resource uintptr, value *unix.Rlimit) (uintptr, syscall.Errno) {
	const same = ^uintptr(0)
	helper, _, errno := syscall.RawSyscall6(syscall.SYS_CLONE, 0, 0, 0, 0, 0, 0)
	if errno != 0 || helper != 0 {
		return helper, errno
	}
	_, _, errno = syscall.RawSyscall(unix.SYS_SETRESGID, gid, same, same)
	if errno == 0 {
		_, _, errno = syscall.RawSyscall(unix.SYS_SETRESUID, uid, same, same)
	}
	if errno == 0 {
		_, _, errno = syscall.RawSyscall6(unix.SYS_PRLIMIT64, pid, resource, uintptr(unsafe.Pointer(value)), 0, 0, 0)
	}
	for {
		syscall.RawSyscall(unix.SYS_EXIT_GROUP, uintptr(errno), 0, 0)
	}
}
