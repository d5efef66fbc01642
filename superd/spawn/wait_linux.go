package spawn

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// childInfo is the siginfo_t that waitid(2) fills. The empty array gives the kernel's union its alignment.
type childInfo struct {
	_     [3]int32
	union struct {
		_      [0]uintptr
		pid    int32
		uid    uint32
		status int32
	}
}

// peek is waitid(2) with WNOWAIT: what it tells stays to be waited for. pid is 0 if there is nothing.
func peek(kind, id, options int) (pid int, code int32, status syscall.Signal, err error) {
	var info unix.Siginfo
	for {
		err = unix.Waitid(kind, id, &info, options|unix.WNOWAIT, nil)
		if err != unix.EINTR {
			break
		}
	}
	child := (*childInfo)(unsafe.Pointer(&info)) // smaller than Siginfo, and no stricter aligned
	return int(child.union.pid), info.Code, syscall.Signal(child.union.status), err
}
