package spawn

import (
	"os"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// inheritance is what children get from the daemon unless their program says otherwise.
type inheritance struct {
	umask int
	nice  int
	files uint64 // soft limit of open files
}

func inherit() inheritance {
	nice, err := unix.Getpriority(unix.PRIO_PROCESS, os.Getpid())
	if err != nil {
		nice = 20
	}
	return inheritance{umask: tightenUmask(), nice: 20 - nice, files: filesAtStart()} // the system call gives 20-nice
}

// tightenUmask adds 022 to the process's umask and returns it.
func tightenUmask() int {
	mask := syscall.Umask(0o777) | 0o022
	syscall.Umask(mask)
	return mask
}

// usualFiles is the soft limit of open files nearly everywhere, since select(2) can take no more.
const usualFiles = 1024

// filesAtStart is the soft limit of open files that this process was started with. Go's runtime raises it for itself at
// once, and gives it back to children of syscall.ForkExec only: so one of those is looked at, which stops before its
// first instruction.
var filesAtStart = sync.OnceValue(func() uint64 {
	runtime.LockOSThread() // who traces is a thread
	defer runtime.UnlockOSThread()
	pid, err := syscall.ForkExec("/proc/self/exe", []string{"superd"}, &syscall.ProcAttr{Sys: &syscall.SysProcAttr{Ptrace: true}})
	if err != nil {
		return usualFiles
	}
	defer destroy(pid, -1)
	var l unix.Rlimit
	_, _, _, err = peek(unix.P_PID, pid, unix.WEXITED|unix.WSTOPPED|unix.WALL)
	if err != nil || unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &l) != nil {
		return usualFiles
	}
	return l.Cur
})
