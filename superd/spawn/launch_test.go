package spawn

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"superd/superd/config"
)

// launched is a launch, and what it says.
type launched struct {
	peer    *os.File
	started chan int // the pid
	failed  chan error
	exits   chan Exit
}

func tryLaunch(t testing.TB, s *Starter, p *config.Program, owner any) (*launched, error) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	x := &launched{
		peer:    os.NewFile(uintptr(pair[0]), "peer"),
		started: make(chan int, 2), failed: make(chan error, 2), exits: make(chan Exit, 2),
	}
	t.Cleanup(func() { x.peer.Close() })
	defer unix.Close(pair[1]) // as the contract has it: when Launch has returned
	return x, s.Launch(&Command{Program: p, Fd: pair[1], Owner: owner,
		Started: func(pid int, _ time.Time) { x.started <- pid },
		Failed:  func(err error) { x.failed <- err },
		Exited: func(e Exit) {
			if len(x.started) != 1 {
				t.Errorf("Exited before Started: %+v", e)
			}
			x.exits <- e
		},
	})
}

// mustLaunch tries again for as long as others have all births.
func mustLaunch(t testing.TB, s *Starter, p *config.Program, owner any) *launched {
	t.Helper()
	var x *launched
	eventually(t, "a birth is free", func() bool {
		var err error
		if x, err = tryLaunch(t, s, p, owner); err != nil && err != ErrBusy {
			t.Fatal(err)
		}
		return err == nil
	})
	return x
}

func within[T any](t testing.TB, c <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(20 * time.Second):
		t.Fatalf("never: %s", what)
	}
	return v
}

// ends checks that the program has written text, that it was the only one to have the connection, and that its end is told once.
func (x *launched) ends(t testing.TB, text string) {
	t.Helper()
	if got, err := io.ReadAll(x.peer); string(got) != text || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	e := within(t, x.exits, "Exited")
	if pid := within(t, x.started, "Started"); e.Pid != pid || e.Code != 0 || len(x.exits)+len(x.started)+len(x.failed) > 0 {
		t.Errorf("%+v, of pid %d", e, pid)
	}
}

// Whoever comes by, each launch is told once to have started, and once to have ended.
func TestLaunches(t *testing.T) {
	mine := new(int)
	for name, come := range map[string]func(*Starter){
		"nobody":       func(*Starter) {}, // but the timer
		"its owner":    func(s *Starter) { s.SettleOne(mine) },
		"the reaper":   func(s *Starter) { s.Leave(mine) },
		"who launches": func(s *Starter) { s.Settle() },
		"somebody":     func(s *Starter) { s.SettleOne(new(int)) },
		"all of them":  func(s *Starter) { s.Leave(mine); s.Settle(); s.SettleOne(mine) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStarter(t)
			for range 50 {
				x := mustLaunch(t, s, program(s, "/bin/echo", "here"), mine)
				come(s)
				x.ends(t, "here\n")
			}
		})
	}
}

// Several at once launch, start and come by.
func TestLaunchesAtOnce(t *testing.T) {
	s := newStarter(t)
	const each = 60
	var all sync.WaitGroup
	for owner := range 6 {
		all.Go(func() {
			var mine []*launched
			for i := range each {
				mine = append(mine, mustLaunch(t, s, program(s, "/bin/echo", strconv.Itoa(i)), owner))
				switch i % 3 {
				case 0:
					s.Leave(owner)
				case 1:
					s.SettleOne(owner)
				}
				if i%10 == 0 {
					output(t, s, program(s, "/bin/echo"))
				}
			}
			for i, x := range mine {
				x.ends(t, fmt.Sprintln(i))
			}
		})
	}
	all.Wait()
	eventually(t, "nothing runs", func() bool { return s.Running() == 0 })
	if n := len(s.nursery.births); n != forksAtOnce() || len(children()) != 0 {
		t.Errorf("%d births are left of %d, children %v", n, forksAtOnce(), children())
	}
}

// There is no launch beyond the births; a start waits for one.
func TestLaunchBusy(t *testing.T) {
	s := newStarter(t)
	var taken []*birth
	for range forksAtOnce() {
		taken = append(taken, <-s.nursery.births)
	}
	if _, err := tryLaunch(t, s, program(s, "/bin/true"), nil); err != ErrBusy || s.Running() != 0 {
		t.Errorf("%v, %d running", err, s.Running())
	}
	for _, b := range taken {
		s.nursery.births <- b
	}
	output(t, s, program(s, "/bin/echo"))
}

// A launch that fails says so once, and leaves nothing, whoever finds out.
func TestLaunchFails(t *testing.T) {
	for name, come := range map[string]func(*Starter){
		"nobody": func(*Starter) {}, "its owner": func(s *Starter) { s.SettleOne(1) }, "the reaper": func(s *Starter) { s.Leave(1) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStarter(t)
			x := mustLaunch(t, s, program(s, "/nonexistent"), 1)
			come(s)
			var failed *Error
			if err := within(t, x.failed, "Failed"); !errors.As(err, &failed) || failed.Step != stepExec || !errors.Is(err, syscall.ENOENT) {
				t.Errorf("%v", err)
			}
			eventually(t, "nothing runs", func() bool { return s.Running() == 0 })
			if len(x.started)+len(x.exits)+len(x.failed) != 0 || len(children()) != 0 {
				t.Errorf("it was said to have started or failed, too; children %v", children())
			}
		})
	}
}

// A child that has not been settled is neither reaped as an orphan nor forgotten, whether the reaper was told of its end or not, and it is
// told to end with the others.
func TestEndsBeforeItIsSettled(t *testing.T) {
	for _, told := range []bool{false, true} {
		t.Run(fmt.Sprint(told), func(t *testing.T) {
			s := newStarter(t)
			began := time.Now()
			x, l := launchAndTake(t, s, told)
			eventually(t, "it runs", l.birth.over)
			running := time.Now()
			s.SignalAll(syscall.SIGTERM)
			eventually(t, "a zombie", func() bool {
				stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", l.child.pid))
				return err == nil && strings.Contains(string(stat), ") Z ")
			})
			eventually(t, "the reaper has come by", func() bool {
				s.mu.Lock()
				defer s.mu.Unlock()
				return l.child.missed == told
			})
			if s.sweepOnce() {
				t.Error("the sweep saw no child of ours")
			}
			s.settle(l)
			if e := within(t, x.exits, "Exited"); e.Signal != syscall.SIGTERM || e.Pid != within(t, x.started, "Started") ||
				e.Started.Before(began) || e.Started.After(running) {
				t.Errorf("%+v; launched at %v, seen to run at %v", e, began, running)
			}
		})
	}
}

// launchAndTake launches a program that runs until it is told to end, and is who settles it.
func launchAndTake(t *testing.T, s *Starter, leave bool) (x *launched, l *launch) {
	t.Helper()
	eventually(t, "the timer has not come by before us", func() bool {
		x = mustLaunch(t, s, program(s, "/bin/sleep", "60"), 1)
		if leave {
			s.Leave(1)
		}
		if l = s.takeOldest(1); l == nil {
			s.Signal(within(t, x.started, "Started"), syscall.SIGKILL)
		}
		return l != nil
	})
	return x, l
}
