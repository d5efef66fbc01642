package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// daemon is a superd that a story runs.
type daemon struct {
	cmd    *exec.Cmd
	log    *logbook
	cursor int           // lines that waitlog has gone past
	exited chan struct{} // closed when cmd has been waited for
}

// logbook takes in what superd says, line by line, and lets others wait for a line.
type logbook struct {
	mu    sync.Mutex
	lines []string
	rest  []byte
	grown chan struct{} // closed when a line comes
}

func (b *logbook) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rest = append(b.rest, p...)
	for {
		i := bytes.IndexByte(b.rest, '\n')
		if i < 0 {
			return len(p), nil
		}
		b.lines = append(b.lines, string(b.rest[:i]))
		b.rest = b.rest[i+1:]
		close(b.grown)
		b.grown = make(chan struct{})
	}
}

func (b *logbook) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.lines, "\n") + "\n" + string(b.rest)
}

func (b *logbook) len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.lines)
}

// from returns the lines after the first n, and what tells of more.
func (b *logbook) from(n int) ([]string, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lines[min(n, len(b.lines)):], b.grown
}

// find waits for a line after the first n that matches; it returns how many lines there are up to that one.
func (d *daemon) find(n int, re *regexp.Regexp) (seen int, match []string) {
	timeout := time.After(deadline)
	for gone := false; ; {
		lines, grown := d.log.from(n)
		for _, line := range lines {
			n++
			if match := re.FindStringSubmatch(line); match != nil {
				return n, match
			}
		}
		if gone {
			return n, nil
		}
		select {
		case <-grown:
		case <-d.exited:
			gone = true // all it had to say is in the book
		case <-timeout:
			return n, nil
		}
	}
}

var (
	isReady    = regexp.MustCompile(`superd\[\d+\]:? READY\b`)
	isReloaded = regexp.MustCompile(`superd\[\d+\]:? (RELOAD|RELOAD-FAILED)( |$)`)
)

func serve(ts *testscript.TestScript, args []string) {
	s := of(ts)
	if s.daemon != nil && !s.daemon.ended() {
		ts.Fatalf("superd runs already")
	}
	argv := append([]string{"superd", "run", "-c", "superd.hcl"}, args...)
	if len(args) > 1 && args[0] == "-under" {
		argv = append([]string{ts.MkAbs(args[1]), "superd", "run", "-c", "superd.hcl"}, args[2:]...)
	}
	s.daemon = launch(ts, argv)
	n, match := s.daemon.find(0, isReady)
	if match == nil {
		ts.Fatalf("superd does not become ready")
	}
	s.daemon.cursor = n
}

func launch(ts *testscript.TestScript, argv []string) *daemon {
	path, err := exec.LookPath(argv[0])
	ts.Check(err)
	d := &daemon{log: &logbook{grown: make(chan struct{})}, exited: make(chan struct{})}
	d.cmd = &exec.Cmd{
		Path: path, Args: argv, Dir: ts.MkAbs("."), Env: storyEnv(ts),
		Stdout: d.log, Stderr: d.log,
		WaitDelay: time.Second, // a child that got superd's stderr must not keep the story waiting
	}
	ts.Check(d.cmd.Start())
	go func() {
		_ = d.cmd.Wait() // ProcessState tells
		close(d.exited)
	}()
	return d
}

// storyEnv is what superd gets of its own, so that a story can see what it passes on.
func storyEnv(ts *testscript.TestScript) []string {
	env := []string{"PATH=" + ts.Getenv("PATH"), "TMPDIR=" + ts.Getenv("TMPDIR"), "RUNTIME_DIRECTORY=" + ts.Getenv("RUNTIME_DIRECTORY")}
	for _, name := range strings.Fields(ts.Getenv("SUPERD_GETS")) {
		env = append(env, name+"="+ts.Getenv(name))
	}
	return env
}

func (d *daemon) pid() int { return d.cmd.Process.Pid }

func (d *daemon) ended() bool {
	select {
	case <-d.exited:
		return true
	default:
		return false
	}
}

// destroy kills superd and its children, which a superd that ends by itself would have done.
func (d *daemon) destroy() {
	if d.ended() {
		return
	}
	orphans := childrenOf(d.pid())
	_ = d.cmd.Process.Kill()
	<-d.exited
	for _, pid := range orphans {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

func running(ts *testscript.TestScript) *daemon {
	d := of(ts).daemon
	if d == nil {
		ts.Fatalf("superd does not run: say serve first")
	}
	return d
}

// waitlog [-any] REGEXP waits for a line after the one last waited for; with -any for any line at all, going past none.
// The (?P<NAME>…) of the expression become $NAME.
func waitlog(ts *testscript.TestScript, args []string) {
	d := running(ts)
	anywhere := len(args) == 2 && args[0] == "-any"
	if len(args) != 1 && !anywhere {
		ts.Fatalf("usage: waitlog [-any] REGEXP")
	}
	re := compile(ts, args[len(args)-1])
	from := d.cursor
	if anywhere {
		from = 0
	}
	n, match := d.find(from, re)
	if match == nil {
		ts.Fatalf("the log has no line %q after its line %d", re, from)
	}
	if !anywhere {
		d.cursor = n
	}
	named(ts, re, match)
}

func countlog(ts *testscript.TestScript, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: countlog N REGEXP")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	re, d := compile(ts, args[1]), running(ts)
	poll(func() bool { return d.matches(re) >= want })
	if got := d.matches(re); got != want {
		ts.Fatalf("%d lines match %q, want %d", got, re, want)
	}
}

func (d *daemon) matches(re *regexp.Regexp) int {
	lines, _ := d.log.from(0)
	n := 0
	for _, line := range lines {
		if re.MatchString(line) {
			n++
		}
	}
	return n
}

func hup(ts *testscript.TestScript, _ []string) {
	ts.Check(running(ts).cmd.Process.Signal(syscall.SIGHUP))
}

// reload leaves waitlog at the first line that the reload caused.
func reload(ts *testscript.TestScript, neg bool, _ []string) {
	d := running(ts)
	d.cursor = d.log.len()
	hup(ts, nil)
	_, match := d.find(d.cursor, isReloaded)
	want := "RELOAD"
	if neg {
		want = "RELOAD-FAILED"
	}
	if match == nil || match[1] != want {
		ts.Fatalf("after HUP: %q, want %s", match, want)
	}
}

func term(ts *testscript.TestScript, _ []string) {
	ts.Check(running(ts).cmd.Process.Signal(syscall.SIGTERM))
	waitexit(ts, []string{"0"})
}

func waitexit(ts *testscript.TestScript, args []string) {
	d := running(ts)
	select {
	case <-d.exited:
	case <-time.After(deadline):
		ts.Fatalf("superd does not end")
	}
	if got := strconv.Itoa(d.cmd.ProcessState.ExitCode()); len(args) != 1 || args[0] != got {
		ts.Fatalf("superd ended with %v, want exit status %q", d.cmd.ProcessState, args)
	}
}

func sendSignal(ts *testscript.TestScript, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: signal NAME PID|superd")
	}
	sig, ok := signals[args[0]]
	if !ok {
		ts.Fatalf("unknown signal %q", args[0])
	}
	pid := running(ts).pid()
	if args[1] != "superd" {
		var err error
		pid, err = strconv.Atoi(args[1])
		ts.Check(err)
	}
	ts.Check(syscall.Kill(pid, sig))
}

func children(ts *testscript.TestScript, args []string) {
	want, err := strconv.Atoi(strings.Join(args, ""))
	ts.Check(err)
	pid := running(ts).pid()
	if !poll(func() bool { return len(childrenOf(pid)) == want }) {
		ts.Fatalf("superd has children %v, want %d", childrenOf(pid), want)
	}
}

// population is what a daemon that leaks has more of: descriptors, children (zombies too), threads.
type population struct{ descriptors, children, threads int }

// threadRoom allows for threads that Go's runtime makes for itself and keeps.
const threadRoom = 10

func count(pid int) population {
	return population{
		descriptors: entries(pid, "fd"),
		children:    len(childrenOf(pid)),
		threads:     entries(pid, "task"),
	}
}

func entries(pid int, folder string) int {
	names, _ := os.ReadDir(filepath.Join("/proc", strconv.Itoa(pid), folder))
	return len(names)
}

func census(ts *testscript.TestScript, args []string) {
	s, pid := of(ts), running(ts).pid()
	if len(args) == 0 {
		// A descriptor that is just being closed may still be counted here, hence "no more than" below.
		now := count(pid)
		poll(func() bool {
			before := now
			now = count(pid)
			return now == before
		})
		s.noted = &now
		return
	}
	if args[0] != "same" || s.noted == nil {
		ts.Fatalf("usage: census, and later census same")
	}
	same := func() bool {
		now := count(pid)
		return now.descriptors <= s.noted.descriptors && now.children == s.noted.children && now.threads <= s.noted.threads+threadRoom
	}
	if !poll(same) {
		ts.Fatalf("superd has %+v, had %+v", count(pid), *s.noted)
	}
}

// childrenOf finds processes by the parent in their stat, since not every kernel lists children.
func childrenOf(parent int) []int {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	var found []int
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // gone meanwhile
		}
		_, after, _ := strings.Cut(string(text[max(0, bytes.LastIndexByte(text, ')')):]), ") ")
		fields := strings.Fields(after) // state, parent, …
		if len(fields) > 1 && fields[1] == strconv.Itoa(parent) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			found = append(found, pid)
		}
	}
	return found
}
