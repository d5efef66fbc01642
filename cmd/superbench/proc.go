package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of the times in /proc/PID/stat: sysconf(_SC_CLK_TCK) is 100 on every Linux that Go runs on.
const tick = 10 * time.Millisecond

// usage is what proc(5) says about a process now.
type usage struct {
	Self     time.Duration // processor time of the process itself,
	Children time.Duration // and of its children, as far as they have been waited for
	Threads  int
	RSS      int64 // bytes resident now,
	Peak     int64 // and at most
	Switches int64 // context switches of its first thread, or, from switches, of all
}

// usageOf reads /proc/PID/stat and /proc/PID/status.
func usageOf(pid int) (u usage, err error) {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return u, err
	}
	status, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil {
		return u, err
	}
	if err := u.parseStat(stat); err != nil {
		return u, fmt.Errorf("%s/stat: %w", dir, err)
	}
	if err := u.parseStatus(status); err != nil {
		return u, fmt.Errorf("%s/status: %w", dir, err)
	}
	return u, nil
}

// parseStat takes fields 14 to 17 of proc_pid_stat(5). The name before them may contain blanks and parentheses.
func (u *usage) parseStat(text []byte) error {
	end := bytes.LastIndexByte(text, ')')
	fields := strings.Fields(string(text[end+1:]))
	if end < 0 || len(fields) < 15 {
		return fmt.Errorf("%q is not what proc_pid_stat(5) describes", text)
	}
	var ticks [4]int64
	for i := range ticks { // utime, stime, cutime, cstime; fields[0] is the third
		n, err := strconv.ParseInt(fields[14-3+i], 10, 64)
		if err != nil {
			return err
		}
		ticks[i] = n
	}
	u.Self = time.Duration(ticks[0]+ticks[1]) * tick
	u.Children = time.Duration(ticks[2]+ticks[3]) * tick
	return nil
}

// parseStatus takes what it needs from proc_pid_status(5).
func (u *usage) parseStatus(text []byte) error {
	u.Switches = 0
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		number, _, _ := strings.Cut(strings.TrimSpace(value), " ")
		var to *int64
		unit, threads := int64(1), int64(0)
		switch name {
		case "VmHWM":
			to, unit = &u.Peak, 1024
		case "VmRSS":
			to, unit = &u.RSS, 1024
		case "Threads":
			to = &threads
		case "voluntary_ctxt_switches", "nonvoluntary_ctxt_switches":
			to = new(int64)
		default:
			continue
		}
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		*to = n * unit
		switch name {
		case "Threads":
			u.Threads = int(threads)
		case "voluntary_ctxt_switches", "nonvoluntary_ctxt_switches":
			u.Switches += n
		}
	}
	return nil
}

// switches counts the context switches of all threads that a process has now: the kernel keeps them by thread.
func switches(pid int) (total int64, err error) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil {
		return 0, err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // the thread has just ended
		}
		var u usage
		if err := u.parseStatus(text); err != nil {
			return 0, fmt.Errorf("%s: %w", file, err)
		}
		total += u.Switches
	}
	return total, nil
}

// forks is how many processes and threads the machine has started since boot: processes in proc_stat(5).
func forks() (int64, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	return parseForks(text)
}

func parseForks(text []byte) (int64, error) {
	for line := range strings.Lines(string(text)) {
		if number, ok := strings.CutPrefix(line, "processes "); ok {
			return strconv.ParseInt(strings.TrimSpace(number), 10, 64)
		}
	}
	return 0, fmt.Errorf("/proc/stat: no processes")
}
