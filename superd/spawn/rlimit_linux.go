package spawn

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"superd/superd/config"
)

// Resource limits belong to a process, and ForkExec has no place for them. So the child is traced from just before
// exec: it stops there, gets its limits from outside, and is let go before its first instruction.
//
// The kernel ignores the set-user-ID bit and file capabilities of a traced program whose user may not trace anything:
// a server with limits and a user other than root that is itself set-user-ID stays that user. What it execs
// later is not concerned.

var resources = map[string]int{
	"as":    unix.RLIMIT_AS,
	"cpu":   unix.RLIMIT_CPU,
	"data":  unix.RLIMIT_DATA,
	"files": unix.RLIMIT_NOFILE,
	"rss":   unix.RLIMIT_RSS,
	"stack": unix.RLIMIT_STACK,
	"core":  unix.RLIMIT_CORE,
	"fsize": unix.RLIMIT_FSIZE,
	"nproc": unix.RLIMIT_NPROC,
}

// limit gives the limits to pid, which this thread traces, and lets it go. On an error pid must not run any further.
func limit(pid int, p *config.Program) error {
	_, code, stop, err := peek(unix.P_PID, pid, unix.WEXITED|unix.WSTOPPED|unix.WALL)
	if err != nil {
		return &Error{Step: "trace", Name: p.Path, Err: err}
	}
	if code == cldExited || code == cldKilled || code == cldDumped {
		return nil // killed before it began; the reaper will tell
	}
	if err := setLimits(pid, p); err != nil {
		return err
	}
	if err := release(pid, stop); err != nil && err != syscall.ESRCH {
		return &Error{Step: "trace", Name: p.Path, Err: err}
	}
	return nil
}

// resourceLimit is what prlimit(2) takes.
type resourceLimit struct {
	resource uintptr
	value    unix.Rlimit
}

func setLimits(pid int, p *config.Program) error {
	limits := make([]resourceLimit, len(p.Rlimits))
	for i, l := range p.Rlimits {
		resource, ok := resources[l.Name]
		if !ok {
			return limitError(p, i, syscall.EINVAL)
		}
		limits[i] = resourceLimit{uintptr(resource), unix.Rlimit{Cur: l.Value, Max: l.Value}}
	}
	for i := range limits {
		err := unix.Prlimit(pid, int(limits[i].resource), &limits[i].value, nil)
		if err == unix.EPERM && p.Credential != nil && MaySwitchUsers() {
			n, err := prlimitAs(p.Credential, pid, limits[i:])
			return limitError(p, i+n, err)
		}
		if err != nil && err != unix.ESRCH { // ESRCH: it has just been killed
			return limitError(p, i, err)
		}
	}
	return nil
}

func limitError(p *config.Program, i int, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Step: "rlimit_" + p.Rlimits[i].Name, Err: err}
}

// release clears the signal mask that kept pid from stopping early (see allButTrap) and ends the tracing.
func release(pid int, stop syscall.Signal) error {
	const maskSize = 8
	if err := ptrace(unix.PTRACE_SETSIGMASK, pid, maskSize, uintptr(unsafe.Pointer(&noSignals))); err != nil {
		return err
	}
	if stop == syscall.SIGTRAP {
		stop = 0
	}
	return ptrace(unix.PTRACE_DETACH, pid, 0, uintptr(stop))
}

func ptrace(request, pid int, addr, data uintptr) error {
	if _, _, e := syscall.RawSyscall6(syscall.SYS_PTRACE, uintptr(request), uintptr(pid), addr, data, 0, 0); e != 0 {
		return e
	}
	return nil
}
