package spawn

import (
	"math"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// CleanDescriptors makes every descriptor above 2 that this process was started with close-on-exec, so that no program
// inherits what a shell, a cron job or an init script had left open. To be called first in main.
func CleanDescriptors() {
	if unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC) == nil {
		return
	}
	// Before Linux 5.11, or where a seccomp filter does not know the call.
	open, _ := os.ReadDir("/proc/self/fd") // no /proc: nothing can be told
	for _, e := range open {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
}
