package spawn

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"superd/superd/config"
)

// helperVar makes the test binary another program: see helpers.
const helperVar = "SPAWN_TEST_HELPER"

var helpers = map[string]func(args []string){}

// TestMain wants nothing to be left of any test: no child, no descriptor.
func TestMain(m *testing.M) {
	if name := os.Getenv(helperVar); name != "" {
		os.Unsetenv(helperVar)
		helpers[name](os.Args[1:])
		os.Exit(0)
	}
	flag.Parse()
	CleanSignals()     // what nohup has had ignored
	CleanDescriptors() // what the shell that runs the tests has left open
	before := descriptors()
	code := m.Run()
	if err := nothingLeft(before); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func nothingLeft(fds int) error {
	if n, err := unix.Wait4(-1, nil, unix.WNOHANG|unix.WALL, nil); err != unix.ECHILD {
		return fmt.Errorf("a child is left: pid %d, %v", n, err)
	}
	if now := descriptors(); now > fds+2 { // the runtime's poller
		return fmt.Errorf("%d descriptors at the start, %d at the end", fds, now)
	}
	return nil
}

func descriptors() int { return count("/proc/self/fd") }
func threads() int     { return count("/proc/self/task") }
func count(dir string) int {
	list, _ := os.ReadDir(dir)
	return len(list)
}

// helperCommand is the test binary as helper name; the caller starts it.
func helperCommand(name string, args ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), helperVar+"="+name)
	cmd.Stderr = os.Stderr
	return cmd
}

// newStarter is closed at the test's end, when all its children must have ended.
func newStarter(t testing.TB) *Starter {
	t.Helper()
	s := New()
	t.Cleanup(func() {
		defer s.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := s.Wait(ctx); err != nil {
			t.Errorf("%d children left: %v", s.Running(), err)
			s.SignalAll(syscall.SIGKILL)
		}
	})
	return s
}

// program runs argv with the daemon's own umask.
func program(s *Starter, argv ...string) *config.Program {
	return &config.Program{Path: argv[0], Args: argv, Env: []string{"PATH=/usr/bin:/bin"}, Umask: s.own.umask}
}

// run is one start, seen from outside: what the program writes to its descriptor, and how it ends.
type run struct {
	t     testing.TB
	pid   int
	peer  *os.File
	exits chan Exit
}

func start(t testing.TB, s *Starter, p *config.Program, env ...string) *run {
	t.Helper()
	r, err := tryStart(t, s, p, env...)
	if err != nil {
		t.Fatalf("start %s: %v", p.Path, err)
	}
	return r
}

func tryStart(t testing.TB, s *Starter, p *config.Program, env ...string) (*run, error) {
	t.Helper()
	return tryCommand(t, s, &Command{Program: p, Env: env})
}

// tryCommand starts c on a connection of its own.
func tryCommand(t testing.TB, s *Starter, c *Command) (*run, error) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[1])
	r := &run{t: t, peer: os.NewFile(uintptr(pair[0]), "peer"), exits: make(chan Exit, 1)}
	var started, exited atomic.Int32
	c.Fd = pair[1]
	c.Started = func(pid int, at time.Time) {
		if started.Add(1) != 1 || time.Since(at) > time.Minute {
			t.Errorf("Started called again, or at %v", at)
		}
		r.pid = pid
	}
	c.Exited = func(e Exit) {
		if started.Load() != 1 || exited.Add(1) != 1 {
			t.Errorf("Exited before Started, or again: %+v", e)
		}
		r.exits <- e
	}
	err = s.Start(c)
	if err != nil {
		r.peer.Close()
		if started.Load() != 0 {
			t.Errorf("Started was called, and Start says %v", err)
		}
	}
	return r, err
}

// end returns what the program wrote, and how it ended.
func (r *run) end() (string, Exit) {
	r.t.Helper()
	text, err := io.ReadAll(r.peer)
	if err != nil {
		r.t.Error(err)
	}
	r.peer.Close()
	return string(text), r.exit()
}

func (r *run) exit() Exit {
	r.t.Helper()
	select {
	case e := <-r.exits:
		if e.Pid != r.pid {
			r.t.Errorf("exit of pid %d, not %d", e.Pid, r.pid)
		}
		return e
	case <-time.After(20 * time.Second):
		r.t.Fatalf("pid %d: no exit", r.pid)
		return Exit{}
	}
}

// output runs p and returns what it wrote; it must exit with 0.
func output(t testing.TB, s *Starter, p *config.Program, env ...string) string {
	t.Helper()
	text, e := start(t, s, p, env...).end()
	if e.Code != 0 {
		t.Errorf("%s: %+v\n%s", p.Path, e, text)
	}
	return text
}

// field finds a line of /proc/PID/status or /proc/PID/limits.
func field(t testing.TB, text, name string) string {
	t.Helper()
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name); ok {
			return strings.Join(strings.Fields(strings.TrimPrefix(value, ":")), " ")
		}
	}
	t.Errorf("no %q in:\n%s", name, text)
	return ""
}

func needRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
}

// openDir is a temporary directory that every user can enter.
func openDir(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !condition(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// children are the pids of this process's living and dead children.
func children() []string {
	var all []string
	lists, _ := filepath.Glob("/proc/self/task/*/children")
	for _, l := range lists {
		text, _ := os.ReadFile(l)
		all = append(all, strings.Fields(string(text))...)
	}
	return all
}

// setNoFile does not go through syscall.Setrlimit, which would have children keep the limit.
func setNoFile(l *syscall.Rlimit) error {
	return unix.Prlimit(0, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: l.Cur, Max: l.Max}, nil)
}
