package spawn

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// MaySwitchUsers reports whether programs can be started as any user: root can, and so can an ordinary user with
// CAP_SETUID and CAP_SETGID; root in a container that lacks them cannot.
func MaySwitchUsers() bool {
	var data [2]unix.CapUserData
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	if err := unix.Capget(&header, &data[0]); err != nil {
		return unix.Geteuid() == 0
	}
	const both = 1<<unix.CAP_SETUID | 1<<unix.CAP_SETGID
	return data[0].Effective&both == both
}

// ambient reports whether this process was started with capabilities that outlive exec(2).
func ambient() bool {
	for c := range unix.CAP_LAST_CAP + 1 {
		is, _, errno := syscall.RawSyscall6(unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_IS_SET, uintptr(c), 0, 0, 0)
		if errno == 0 && is != 0 {
			return true
		}
	}
	return false
}

// hasAmbient: what gives an ordinary user's superd its ports and lets it switch users would make root of every program.
var hasAmbient = ambient()
