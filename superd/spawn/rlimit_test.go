package spawn

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"superd/superd/config"
)

var allLimits = []config.Rlimit{
	{Name: "as", Value: 1 << 30}, {Name: "cpu", Value: 60}, {Name: "data", Value: 1 << 29},
	{Name: "files", Value: 17}, {Name: "rss", Value: 1 << 28}, {Name: "stack", Value: 1 << 22},
}

func checkLimits(t *testing.T, text string) {
	t.Helper()
	for name, want := range map[string]string{
		"Max address space": "1073741824 1073741824 bytes", "Max cpu time": "60 60 seconds", "Max data size": "536870912 536870912 bytes",
		"Max open files": "17 17 files", "Max resident set": "268435456 268435456 bytes", "Max stack size": "4194304 4194304 bytes",
	} {
		if got := field(t, text, name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestRlimits(t *testing.T) {
	s := newStarter(t)
	p := program(s, "/bin/cat", "/proc/self/limits", "/proc/self/status")
	p.Rlimits = allLimits
	text := output(t, s, p)
	checkLimits(t, text)
	for _, name := range []string{"SigBlk", "SigIgn", "SigPnd", "ShdPnd", "TracerPid"} {
		if got := field(t, text, name); strings.Trim(got, "0") != "" {
			t.Errorf("%s %s", name, got)
		}
	}
}

// The dynamic loader, which runs first, finds no room for the C library.
func TestRlimitBeforeTheFirstInstruction(t *testing.T) {
	s := newStarter(t)
	p := program(s, "/bin/cat", "/proc/self/limits")
	p.Rlimits = []config.Rlimit{{Name: "as", Value: 64 << 10}}
	if text, e := start(t, s, p).end(); e.Code == 0 || strings.Contains(text, "Max") {
		t.Errorf("it ran: %q, %+v", text, e)
	}
}

func TestRlimitsOfAnotherUser(t *testing.T) {
	needRoot(t)
	s := newStarter(t)
	p := program(s, "/bin/cat", "/proc/self/limits", "/proc/self/status")
	p.Rlimits = allLimits
	p.Credential = &config.Credential{Uid: 65534, Gid: 65533, Groups: []uint32{7, 8}}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			text := output(t, s, p)
			checkLimits(t, text)
			if u, g := field(t, text, "Uid"), field(t, text, "Gid"); u != "65534 65534 65534 65534" || g != "65533 65533 65533 65533" {
				t.Errorf("uid %s, gid %s", u, g)
			}
		})
	}
	wg.Wait()
}

// A user must never be able to signal the daemon through a thread that has the user's id.
func TestNoThreadTakesAnotherUsersID(t *testing.T) {
	needRoot(t)
	s := newStarter(t)
	p := program(s, "/bin/true")
	p.Rlimits = []config.Rlimit{{Name: "cpu", Value: 60}}
	p.Credential = &config.Credential{Uid: 65534, Gid: 65534}
	done := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		for {
			tasks, _ := filepath.Glob("/proc/self/task/*/status")
			for _, task := range tasks {
				text, err := os.ReadFile(task)
				if err == nil && field(t, string(text), "Uid") != "0 0 0 0" {
					t.Errorf("%s: uid %s", task, field(t, string(text), "Uid"))
				}
			}
			select {
			case <-done:
				return
			default:
			}
		}
	})
	for range 20 {
		start(t, s, p).end()
	}
	close(done)
	watch.Wait()
}

// A limit that cannot be set ends the start before the program has run an instruction.
func TestRlimitNotPermitted(t *testing.T) {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		t.Fatal(err)
	}
	s := newStarter(t)
	mark := filepath.Join(openDir(t), "ran")
	if err := os.Chmod(filepath.Dir(mark), 0o777); err != nil {
		t.Fatal(err)
	}
	p := program(s, "/bin/sh", "-c", "touch "+mark)
	p.Rlimits = []config.Rlimit{{Name: "cpu", Value: 60}, {Name: "files", Value: 1 << 40}} // more than fs.nr_open may ever be
	users := []*config.Credential{nil}
	if os.Geteuid() == 0 {
		users = append(users, &config.Credential{Uid: 65534, Gid: 65534})
	}
	for _, u := range users {
		p.Credential = u
		_, err := tryStart(t, s, p)
		if !errors.Is(err, syscall.EPERM) || err.Error() != "rlimit_files: operation not permitted" || Temporary(err) {
			t.Errorf("%v", err)
		}
	}
	if exists(mark) {
		t.Error("the program ran")
	}
	if n := s.Running(); n != 0 {
		t.Errorf("%d running", n)
	}
}

func init() { helpers["threads"] = helperThreads }

// helperThreads runs on many threads at once.
func helperThreads([]string) {
	var all, up sync.WaitGroup
	up.Add(8)
	for range 8 {
		all.Go(func() {
			runtime.LockOSThread()
			up.Done()
			up.Wait()
		})
	}
	all.Wait()
	var l unix.Rlimit
	fmt.Println(unix.Prlimit(0, unix.RLIMIT_CPU, nil, &l), l.Cur, l.Max)
	out, err := exec.Command("/bin/echo", "child").CombinedOutput()
	fmt.Println(string(out), err)
}

func TestRlimitsOfThreadedProgram(t *testing.T) {
	s := newStarter(t)
	p := program(s, "/proc/self/exe")
	p.Env = append(p.Env, helperVar+"=threads")
	p.Rlimits = []config.Rlimit{{Name: "cpu", Value: 60}}
	if got, want := output(t, s, p), "<nil> 60 60\nchild\n <nil>\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// Limits do not take a program's set-user-ID bit away.
func TestRlimitsAndSetUserID(t *testing.T) {
	needRoot(t)
	s := newStarter(t)
	cat := filepath.Join(openDir(t), "cat")
	text, err := os.ReadFile("/bin/cat")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(cat, text, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(cat, 0o755|os.ModeSetuid); err != nil {
		t.Fatal(err)
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(cat, &fs); err != nil || fs.Flags&unix.ST_NOSUID != 0 {
		t.Skip("temporary files cannot be set-user-ID here")
	}
	limits := []config.Rlimit{{Name: "cpu", Value: 60}}
	for _, c := range []struct {
		name string
		argv []string
		want string
		rl   []config.Rlimit
	}{
		{"no limits", []string{cat, "/proc/self/status"}, "65534 0 0 0", nil},
		{"later exec", []string{"/bin/sh", "-c", "exec " + cat + " /proc/self/status"}, "65534 0 0 0", limits},
		{"itself", []string{cat, "/proc/self/status"}, "65534 0 0 0", limits},
	} {
		p := program(s, c.argv...)
		p.Credential, p.Rlimits = &config.Credential{Uid: 65534, Gid: 65534}, c.rl
		if got := field(t, output(t, s, p), "Uid"); got != c.want {
			t.Errorf("%s: uid %s, want %s", c.name, got, c.want)
		}
	}
}

// Signals that come at any moment of a start neither hold the starter up nor get an end lost.
func TestSignalsWhileStarting(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM, syscall.SIGSTOP} {
		t.Run(sig.String(), func(t *testing.T) {
			s := newStarter(t)
			p := program(s, "/bin/true")
			p.Rlimits = []config.Rlimit{{Name: "cpu", Value: 60}, {Name: "files", Value: 20}}
			if os.Geteuid() == 0 {
				p.Credential = &config.Credential{Uid: 65534, Gid: 65534}
			}
			done := make(chan struct{})
			var sniper sync.WaitGroup
			sniper.Go(func() {
				for {
					for _, c := range children() {
						pid, _ := strconv.Atoi(c)
						syscall.Kill(pid, sig)
						if sig == syscall.SIGSTOP {
							syscall.Kill(pid, syscall.SIGCONT)
						}
					}
					select {
					case <-done:
						return
					default:
					}
				}
			})
			hit := 0
			for range 25 {
				r, err := tryStart(t, s, p)
				if err != nil {
					t.Error(err)
					continue
				}
				if _, e := r.end(); e.Code != 0 {
					hit++
				}
			}
			close(done)
			sniper.Wait()
			t.Logf("%d of 25 hit", hit)
		})
	}
}

func init() { helpers["debugger"] = helperDebugger }

// helperDebugger attaches to a process and leaves it, dead or not, when its input ends.
func helperDebugger(args []string) {
	pid, _ := strconv.Atoi(args[0])
	runtime.LockOSThread()
	if _, _, err := unix.RawSyscall6(unix.SYS_PTRACE, unix.PTRACE_SEIZE, uintptr(pid), 0, 0, 0, 0); err != 0 {
		fmt.Println(err)
		return
	}
	fmt.Println("attached")
	_, _ = os.Stdin.Read(make([]byte, 1))
}

// A child whose end a debugger has first is reaped when that lets go.
func TestDebuggerAttached(t *testing.T) {
	s := newStarter(t)
	r := start(t, s, program(s, "/bin/sleep", "1000"))
	cmd := helperCommand("debugger", strconv.Itoa(r.pid))
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 9)
	if n, _ := out.Read(line); string(line[:n]) != "attached\n" {
		s.Signal(r.pid, syscall.SIGKILL)
		_, _ = in, cmd.Wait()
		r.end()
		t.Skipf("cannot attach: %q", line[:n])
	}
	s.Signal(r.pid, syscall.SIGKILL)
	eventually(t, "zombie", func() bool {
		stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", r.pid))
		return strings.Contains(string(stat), ") Z ")
	})
	select {
	case e := <-r.exits:
		t.Errorf("reaped under the debugger: %+v", e)
		r.exits <- e
	case <-time.After(2 * retryWait): // so that the first attempt has failed
	}
	in.Close()
	if _, e := r.end(); e.Signal != syscall.SIGKILL {
		t.Errorf("%+v", e)
	}
	_ = cmd.Wait()
}

// A user with more processes than nproc allows still gets this one; it is the next that is one too many.
func TestLimitOfProcessesThatIsReached(t *testing.T) {
	needRoot(t)
	s := newStarter(t)
	who := &config.Credential{Uid: 54321, Gid: 54321}
	p := program(s, "/bin/sleep", "1000")
	p.Credential = who
	sleeper := start(t, s, p)
	p = program(s, "/bin/sh", "-c", "echo up; (exit 0) && echo forked")
	p.Credential, p.Rlimits = who, []config.Rlimit{{Name: "nproc", Value: 1}}
	if text, _ := start(t, s, p).end(); !strings.HasPrefix(text, "up\n") || strings.Contains(text, "forked") {
		t.Errorf("%q", text)
	}
	s.SignalAll(syscall.SIGKILL)
	sleeper.end()
}
