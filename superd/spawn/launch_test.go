package spawn

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"superd/superd/config"
)

// launched is a launch, and what has become of it.
type launched struct {
	*Launch
	peer    int
	started int // the pid
	exits   chan Exit
}

func tryLaunch(t *testing.T, s *Starter, p *config.Program) (*launched, error) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[1]) // as the contract has it: when Launch has returned
	t.Cleanup(func() { unix.Close(pair[0]) })
	x := &launched{peer: pair[0], exits: make(chan Exit, 1)}
	x.Launch, err = s.Launch(&Command{Program: p, Fd: pair[1],
		Started: func(pid int, _ time.Time) { x.started = pid },
		Exited:  func(e Exit) { x.exits <- e },
	})
	return x, err
}

func mustLaunch(t *testing.T, s *Starter, p *config.Program) *launched {
	t.Helper()
	x, err := tryLaunch(t, s, p)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// As many launches are under way as there are births, in whatever order they are waited for; each connection is its
// program's alone afterwards.
func TestLaunches(t *testing.T) {
	s := newStarter(t)
	var all []*launched
	for range forksAtOnce() {
		all = append(all, mustLaunch(t, s, program(s, "/bin/echo", "here")))
	}
	if _, err := tryLaunch(t, s, program(s, "/bin/true")); err != ErrBusy {
		t.Errorf("one more: %v", err)
	}
	if n := s.Running(); n != len(all) {
		t.Errorf("%d are running, of %d", n, len(all))
	}
	for i := range all {
		x := all[len(all)-1-i]
		if err := x.Wait(); err != nil || x.started == 0 {
			t.Fatalf("pid %d: %v", x.started, err)
		}
		if e := <-x.exits; e.Code != 0 || e.Pid != x.started {
			t.Errorf("%+v", e)
		}
		text := make([]byte, 100)
		n, _ := unix.Read(x.peer, text)
		if end, err := unix.Read(x.peer, text[n:]); string(text[:n]) != "here\n" || end != 0 || err != nil {
			t.Errorf("%q, then %d bytes and %v", text[:n], end, err)
		}
	}
	output(t, s, program(s, "/bin/echo"))
}

// A launch that fails says so to who waits, and leaves nothing.
func TestLaunchFails(t *testing.T) {
	s := newStarter(t)
	x := mustLaunch(t, s, program(s, "/nonexistent"))
	eventually(t, "the child has given up", x.Over)
	var failed *Error
	if err := x.Wait(); !errors.As(err, &failed) || failed.Step != stepExec || !errors.Is(err, syscall.ENOENT) {
		t.Errorf("%v", err)
	}
	if x.started != 0 || s.Running() != 0 || len(children()) != 0 {
		t.Errorf("pid %d, %d running, children %v", x.started, s.Running(), children())
	}
}

// A child that ends before it was waited for is neither reaped as an orphan nor forgotten, and it is told to end with the others.
func TestEndsBeforeItIsWaitedFor(t *testing.T) {
	s := newStarter(t)
	short, long := mustLaunch(t, s, program(s, "/bin/true")), mustLaunch(t, s, program(s, "/bin/sleep", "60"))
	eventually(t, "both run", func() bool { return short.Over() && long.Over() })
	s.SignalAll(syscall.SIGTERM)
	for _, x := range []*launched{short, long} {
		eventually(t, "a zombie", func() bool {
			stat, err := os.ReadFile("/proc/" + children()[0] + "/stat")
			return err == nil && strings.Contains(string(stat), ") Z ")
		})
		if s.sweepOnce() {
			t.Error("the sweep saw no child of ours")
		}
		if err := x.Wait(); err != nil {
			t.Fatal(err)
		}
		if e := <-x.exits; e.Pid != x.started || e.Code != 0 && e.Signal != syscall.SIGTERM {
			t.Errorf("%+v", e)
		}
	}
}
