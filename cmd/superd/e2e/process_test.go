package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// process is one process as /proc/PID/stat shows it. pid and start together are unique over a machine's uptime.
type process struct {
	pid, parent int
	name        string
	state       byte
	cpu         time.Duration // user and system time
	start       uint64
}

// clockTick is USER_HZ, the unit of times in /proc: 100 a second on every Linux architecture Go runs on.
const clockTick = time.Second / 100

func readProcess(pid int) (process, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return process{}, err
	}
	// The name stands in parentheses and may hold anything, parentheses too: the fields start after the last one.
	open, end := strings.IndexByte(string(text), '('), strings.LastIndexByte(string(text), ')')
	fields := strings.Fields(string(text[end+1:]))
	p := process{pid: pid, name: string(text[open+1 : end]), state: fields[0][0]}
	p.parent, _ = strconv.Atoi(fields[1])
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	p.cpu = time.Duration(user+system) * clockTick
	p.start, _ = strconv.ParseUint(fields[19], 10, 64)
	return p, nil
}

// childrenOf lists the children of pid, zombies included.
func childrenOf(pid int) []process {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	var children []process
	for _, stat := range stats {
		number, _ := strconv.Atoi(filepath.Base(filepath.Dir(stat)))
		if p, err := readProcess(number); err == nil && p.parent == pid {
			children = append(children, p)
		}
	}
	return children
}

// lives reports whether p is still there and not a zombie.
func (p process) lives() bool {
	now, err := readProcess(p.pid)
	return err == nil && now.start == p.start && now.state != 'Z'
}

// fdsOf lists what the descriptors of pid lead to, sorted by descriptor number.
func fdsOf(t testing.TB, pid int) []string {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var fds []string
	for _, e := range entries {
		if target, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil {
			fds = append(fds, e.Name()+" "+target)
		}
	}
	return fds
}

// threadsOf is the number of OS threads of pid.
func threadsOf(t testing.TB, pid int) int {
	t.Helper()
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		t.Fatal(err)
	}
	return len(tasks)
}

// eventually polls for what no event announces, a change in /proc for example.
func eventually(t testing.TB, patience time.Duration, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after %v still not so: %s", patience, what)
		}
	}
}
