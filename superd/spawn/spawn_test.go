package spawn

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"superd/superd/config"
)

func TestExit(t *testing.T) {
	s := newStarter(t)
	text, e := start(t, s, program(s, "/bin/sh", "-c", "echo to stdout; echo to stderr >&2; exit 7")).end()
	if text != "to stdout\nto stderr\n" || e.Code != 7 || e.Signal != 0 || e.Core {
		t.Errorf("%q, %+v", text, e)
	}
	if e.MaxRSS < 100<<10 || e.MaxRSS > 1<<30 || e.Ended.Before(e.Started) {
		t.Errorf("%+v", e)
	}
	r := start(t, s, program(s, "/bin/cat"))
	if _, err := r.peer.WriteString("hello\n"); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Shutdown(int(r.peer.Fd()), syscall.SHUT_WR); err != nil {
		t.Fatal(err)
	}
	if text, e := r.end(); text != "hello\n" || e.Code != 0 {
		t.Errorf("%q, %+v", text, e)
	}
	if s.Running() > 1 {
		t.Errorf("%d running", s.Running())
	}
}

func TestCPUTime(t *testing.T) {
	s := newStarter(t)
	_, e := start(t, s, program(s, "/bin/sh", "-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done")).end()
	if cpu := e.User + e.System; cpu <= 0 || cpu > 2*e.Ended.Sub(e.Started) {
		t.Errorf("%v of CPU in %v", cpu, e.Ended.Sub(e.Started))
	}
}

func TestSignalReachesTheGroup(t *testing.T) {
	s := newStarter(t)
	// The shell waits for a child that holds the socket open: the read ends only if both get the signal.
	r := start(t, s, program(s, "/bin/sh", "-c", "sleep 1000 & echo up; wait"))
	buf := make([]byte, 3)
	if _, err := r.peer.Read(buf); err != nil {
		t.Fatal(err)
	}
	if !s.Signal(r.pid, syscall.SIGTERM) {
		t.Error("not sent")
	}
	if _, e := r.end(); e.Code != -1 || e.Signal != syscall.SIGTERM {
		t.Errorf("%+v", e)
	}
	if s.Signal(r.pid, syscall.SIGTERM) {
		t.Error("sent to a child that has been reaped")
	}
	if s.Signal(os.Getpid(), 0) {
		t.Error("sent to a process that is not a child")
	}
}

func TestSignalFromStarted(t *testing.T) {
	s := newStarter(t)
	null, err := os.OpenFile("/dev/null", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	exits := make(chan Exit, 1)
	err = s.Start(&Command{Program: program(s, "/bin/sleep", "1000"), Fd: int(null.Fd()),
		Started: func(pid int, _ time.Time) {
			if !s.Signal(pid, syscall.SIGKILL) {
				t.Error("not sent")
			}
		},
		Exited: func(e Exit) { exits <- e }})
	if err != nil {
		t.Fatal(err)
	}
	if e := <-exits; e.Signal != syscall.SIGKILL {
		t.Errorf("%+v", e)
	}
}

// Until Started has returned a dead child stays unreaped, by the sweep for orphans too.
func TestStartedComesFirst(t *testing.T) {
	s, fd := newStarter(t), null(t)
	for range 3 {
		exits := make(chan Exit, 1)
		err := s.Start(&Command{Program: program(s, "/bin/sh", "-c", "exit 5"), Fd: fd,
			Started: func(pid int, _ time.Time) {
				eventually(t, "zombie", func() bool {
					stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
					if err != nil {
						t.Fatal("reaped")
					}
					return strings.Contains(string(stat), ") Z ")
				})
				if s.sweepOnce() {
					t.Error("the sweep saw no child of ours")
				}
				if !s.Signal(pid, 0) {
					t.Error("no longer known")
				}
			},
			Exited: func(e Exit) { exits <- e }})
		if err != nil {
			t.Fatal(err)
		}
		if e := <-exits; e.Code != 5 {
			t.Errorf("%+v", e)
		}
	}
}

func TestSignalAllAndWait(t *testing.T) {
	s := newStarter(t)
	var runs []*run
	for range 20 {
		runs = append(runs, start(t, s, program(s, "/bin/sleep", "1000")))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if err := s.Wait(ctx); err != context.DeadlineExceeded {
		t.Errorf("wait while 20 run: %v", err)
	}
	if n := s.Running(); n != 20 {
		t.Errorf("%d running", n)
	}
	if n := s.SignalAll(syscall.SIGTERM); n != 20 {
		t.Errorf("%d reached", n)
	}
	if err := s.Wait(context.Background()); err != nil || s.Running() != 0 {
		t.Errorf("%v, %d running", err, s.Running())
	}
	for _, r := range runs {
		if _, e := r.end(); e.Signal != syscall.SIGTERM {
			t.Errorf("%+v", e)
		}
	}
}

// Ends that come while others start: each Exited exactly once, after its Started, for its own pid.
func TestManyShortPrograms(t *testing.T) {
	s := newStarter(t)
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := range 40 {
				p := program(s, "/bin/sh", "-c", fmt.Sprintf("exit %d", i))
				if worker%2 == 1 {
					p.Umask = 0o77
				}
				if _, e := start(t, s, p).end(); e.Code != i {
					t.Errorf("%+v, want code %d", e, i)
				}
			}
		})
	}
	wg.Wait()
}

func TestOnlyThreeDescriptors(t *testing.T) {
	s := newStarter(t)
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for range 10 {
				p := program(s, "/bin/sh", "-c", "ls /proc/$$/fd")
				if worker%2 == 1 {
					p.Rlimits = []config.Rlimit{{Name: "cpu", Value: 100}}
				}
				if got := output(t, s, p); got != "0\n1\n2\n" {
					t.Errorf("descriptors of the child: %q", got)
				}
			}
		})
	}
	wg.Wait()
}

func TestWhatAChildFinds(t *testing.T) {
	s := newStarter(t)
	p := program(s, "/bin/sh", "-c", `echo "$$ $(cut -d' ' -f5,6 /proc/$$/stat) $PWD $FIXED $OF_CONN"; cat /proc/$$/environ | tr '\0' ' '`)
	p.Env = append(p.Env, "FIXED=1")
	r := start(t, s, p, "OF_CONN=2")
	text, _ := r.end()
	want := fmt.Sprintf("%d %[1]d %[1]d / 1 2\nPATH=/usr/bin:/bin FIXED=1 OF_CONN=2 ", r.pid)
	if text != want {
		t.Errorf("pid, group, session, directory, environment:\n%q, want\n%q", text, want)
	}
	if len(p.Env) != 2 || cap(p.Env) > 2 && p.Env[:3][2] == "OF_CONN=2" {
		t.Error("the program's environment was written to")
	}
	p = program(s, "/bin/pwd")
	p.Dir = "/usr"
	if got := output(t, s, p); got != "/usr\n" {
		t.Errorf("directory %q", got)
	}
	status := output(t, s, program(s, "/bin/cat", "/proc/self/status"))
	for _, name := range []string{"SigBlk", "SigIgn", "SigPnd", "ShdPnd"} {
		if got := field(t, status, name); strings.Trim(got, "0") != "" {
			t.Errorf("%s %s", name, got)
		}
	}
}

func TestErrors(t *testing.T) {
	s := newStarter(t)
	dir := openDir(t)
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, c := range []struct {
		p    config.Program
		want string
		err  error
	}{
		{config.Program{Path: dir + "/none"}, "exec DIR/none: no such file or directory", syscall.ENOENT},
		{config.Program{Path: write("plain", "x", 0o644)}, "exec DIR/plain: permission denied", syscall.EACCES},
		{config.Program{Path: write("text", "x", 0o755)}, "exec DIR/text: exec format error", syscall.ENOEXEC},
		{config.Program{Path: write("script", "#!/no/such\n", 0o755)},
			"exec DIR/script: no such file or directory (its interpreter is missing)", syscall.ENOENT},
		{config.Program{Path: "/bin/true", Dir: dir + "/none"}, "chdir DIR/none: no such file or directory", syscall.ENOENT},
		{config.Program{Path: "/bin/true", Dir: dir + "/plain"}, "chdir DIR/plain: not a directory", syscall.ENOTDIR},
		{config.Program{Path: "/bin/true", Rlimits: []config.Rlimit{{Name: "none"}}}, "rlimit_none: invalid argument", syscall.EINVAL},
		{config.Program{Path: "/bin/true\x00"}, "exec /bin/true\x00: invalid argument", syscall.EINVAL},
	} {
		for _, special := range []bool{false, true} {
			p := c.p
			p.Umask = s.own.umask
			if special {
				p.Umask, p.Rlimits = 0o77, append(p.Rlimits, config.Rlimit{Name: "cpu", Value: 99})
			}
			_, err := tryStart(t, s, &p)
			var e *Error
			if !errors.As(err, &e) || strings.ReplaceAll(err.Error(), dir, "DIR") != c.want || !errors.Is(err, c.err) || Temporary(err) {
				t.Errorf("%v, want %s", err, c.want)
			}
		}
	}
	if n := s.Running(); n != 0 {
		t.Errorf("%d running", n)
	}
}

func TestTemporary(t *testing.T) {
	for _, e := range []error{syscall.EAGAIN, syscall.ENOMEM, syscall.EMFILE, syscall.ENFILE} {
		if !Temporary(&Error{Step: "fork", Err: e}) {
			t.Errorf("%v", e)
		}
	}
	if Temporary(nil) || Temporary(ErrClosed) || Temporary(syscall.ENOENT) {
		t.Error("temporary")
	}
}

// Out of descriptors: the start fails, says so, and works again afterwards.
func TestOutOfDescriptors(t *testing.T) {
	s := newStarter(t)
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	r := start(t, s, program(s, "/bin/sleep", "0.01"))
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(pair[0])
	defer syscall.Close(pair[1])
	c := &Command{Program: program(s, "/bin/true"), Fd: pair[0], Started: func(int, time.Time) {}, Exited: func(Exit) {}}
	low := syscall.Rlimit{Cur: 3, Max: old.Max}
	if err := setNoFile(&low); err != nil {
		t.Fatal(err)
	}
	err = s.Start(c)
	if err := setNoFile(&old); err != nil {
		t.Fatal(err)
	}
	if !Temporary(err) || !errors.Is(err, syscall.EMFILE) {
		t.Errorf("%v", err)
	}
	if err := s.Start(c); err != nil {
		t.Error(err)
	}
	r.end()
}

func TestCloseLeavesNothing(t *testing.T) {
	before, beforeFds := runtime.NumGoroutine(), descriptors()
	s := New()
	var runs []*run
	for range 19 {
		runs = append(runs, start(t, s, program(s, "/bin/true")))
	}
	for _, r := range runs {
		r.end()
	}
	left := start(t, s, program(s, "/bin/sleep", "1000"))
	if n := threads(); n > 64 {
		t.Errorf("%d threads", n)
	}
	s.Close()
	s.Close()
	if _, err := tryStart(t, s, program(s, "/bin/true")); err != ErrClosed {
		t.Errorf("start after close: %v", err)
	}
	if s.Signal(left.pid, 0) || syscall.Kill(left.pid, syscall.SIGKILL) != nil {
		t.Error("the program that was left does not run, or is still the starter's")
	}
	if _, err := wait4(left.pid, nil, 0, nil); err != nil {
		t.Error(err)
	}
	left.peer.Close()
	eventually(t, "no goroutine left", func() bool { return runtime.NumGoroutine() <= before })
	if n := descriptors(); n > beforeFds {
		t.Errorf("%d descriptors, before %d", n, beforeFds)
	}
}

// `killall -HUP superd` must not meet a child that has not become its program yet: it has another name.
func TestChildIsNotNamedLikeTheDaemon(t *testing.T) {
	s := newStarter(t)
	own, err := os.ReadFile("/proc/self/comm")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var watch sync.WaitGroup
	seen := map[string]bool{}
	watch.Go(func() {
		for {
			for _, pid := range children() {
				name, _ := os.ReadFile("/proc/" + pid + "/comm")
				seen[string(name)] = true
			}
			select {
			case <-done:
				return
			default:
			}
		}
	})
	for range 50 {
		start(t, s, program(s, "/bin/true")).end()
	}
	close(done)
	watch.Wait()
	if seen[string(own)] {
		t.Errorf("a child was seen as %q", own)
	}
	if now, _ := os.ReadFile("/proc/self/comm"); !slices.Equal(now, own) {
		t.Errorf("the process is now %q", now)
	}
}
