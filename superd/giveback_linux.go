package superd

import (
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// giveBack returns memory that only reading a configuration needed, and that would be kept for years: the heap's, and the pages of the
// program that were run for it. Those that are still needed come back from the page cache, one by one.
func giveBack() {
	debug.FreeOSMemory()
	own, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return
	}
	for line := range strings.Lines(string(maps)) {
		if from, to, ok := programPages(line, own); ok {
			_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, from, to-from, unix.MADV_DONTNEED) // what is locked into memory stays
		}
	}
}

// programPages reads a line of /proc/self/maps (proc(5)); false unless it is a part of the program at path own that cannot have been
// written to.
func programPages(line, own string) (from, to uintptr, ok bool) {
	f := strings.Fields(line)
	if len(f) != 6 || f[5] != own || strings.Contains(f[1], "w") {
		return 0, 0, false
	}
	low, high, _ := strings.Cut(f[0], "-")
	first, err1 := strconv.ParseUint(low, 16, strconv.IntSize)
	end, err2 := strconv.ParseUint(high, 16, strconv.IntSize)
	return uintptr(first), uintptr(end), err1 == nil && err2 == nil && first < end
}
