package spawn

import (
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"

	"superd/superd/config"
)

// prlimitAs is prlimit(2) on another user's process for a root without CAP_SYS_RESOURCE, as in most containers. The
// kernel then asks for real ids equal to all of the target's ids. A thread of the daemon must not take those, not
// for a microsecond: kill(2) takes thread ids too, and looks at the real uid, so the user could kill the daemon. A
// process of its own does it, which makes these few system calls and is gone.
//
// It has no exit signal, so that only a wait with __WCLONE sees it, and all signals blocked. The user can still stop
// or kill it: then the start fails. With an error, limits[n] is the one that could not be set.
func prlimitAs(who *config.Credential, pid int, limits []resourceLimit) (n int, err error) {
	setreuid, setregid := uintptr(unix.SYS_SETREUID), uintptr(unix.SYS_SETREGID)
	if runtime.GOARCH == "386" || runtime.GOARCH == "arm" {
		setreuid, setregid = 203, 204 // setreuid32 and setregid32: the old ones take 16 bits
	}
	calls := []call{{nr: setregid, a: uintptr(who.Gid), b: ^uintptr(0)}, {nr: setreuid, a: uintptr(who.Uid), b: ^uintptr(0)}}
	ids := len(calls)
	for i := range limits {
		calls = append(calls, call{nr: unix.SYS_PRLIMIT64, a: uintptr(pid), b: limits[i].resource, c: unsafe.Pointer(&limits[i].value)})
	}
	old, err := setMask(&allSignals)
	if err != nil {
		return 0, err
	}
	helper, err := callInProcess(calls)
	_, _ = setMask(&old)
	if err != nil {
		return 0, os.NewSyscallError("clone", err)
	}
	failed, err := awaitHelper(helper)
	runtime.KeepAlive(calls)
	return max(failed-1-ids, 0), err
}
