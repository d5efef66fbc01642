package spawn

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"superd/superd/config"
)

// eachWay runs f with a child that shares the daemon's memory and one that is a copy, by clone3(2) and by clone(2), with a part
// of the daemon's table of descriptors and with all of it.
func eachWay(t *testing.T, f func(t *testing.T, s *Starter)) {
	for _, copied := range []bool{alwaysCopied, true} {
		for _, old := range []bool{false, true} {
			for _, slots := range []bool{true, false} {
				t.Run(fmt.Sprintf("copied=%v,clone3=%v,slots=%v", copied, !old, slots), func(t *testing.T) {
					defer oldClone.Store(oldClone.Load())
					oldClone.Store(old)
					s := newStarter(t)
					for range cap(s.nursery.births) {
						b := <-s.nursery.births
						b.copied = copied
						if slots && b.slot < 0 {
							t.Skip("no close_range(2) here")
						}
						if !slots {
							s.nursery.slots.release(b)
							b.slot = -1
						}
						s.nursery.births <- b
					}
					f(t, s)
				})
			}
		}
	}
}

func TestEveryWayToFork(t *testing.T) {
	eachWay(t, func(t *testing.T, s *Starter) {
		p := program(s, "/bin/cat", "/proc/self/status", "/proc/self/limits", "/proc/self/environ")
		p.Rlimits, p.Umask = allLimits, 0o27
		if os.Geteuid() == 0 {
			p.Credential = &config.Credential{Uid: 65534, Gid: 65533, Groups: []uint32{7, 8}}
		}
		text := output(t, s, p, "OF_CONN=1")
		checkLimits(t, text)
		want := map[string]string{"Umask": "0027", "SigBlk": "0000000000000000", "SigIgn": "0000000000000000", "SigCgt": "0000000000000000"}
		if p.Credential != nil {
			want["Uid"], want["Gid"], want["Groups"] = "65534 65534 65534 65534", "65533 65533 65533 65533", "7 8"
		}
		for name, value := range want {
			if got := field(t, text, name); got != value {
				t.Errorf("%s: %s, want %s", name, got, value)
			}
		}
		if !strings.HasSuffix(text, "PATH=/usr/bin:/bin\x00OF_CONN=1\x00") {
			t.Errorf("environment %q", text[max(0, len(text)-50):])
		}
		_, err := tryStart(t, s, program(s, "/no/such/program"))
		if !errors.Is(err, syscall.ENOENT) || err.Error() != "exec /no/such/program: no such file or directory" {
			t.Errorf("%v", err)
		}
		p = program(s, "/bin/true")
		p.Dir = "/no/such/directory"
		if _, err := tryStart(t, s, p); err == nil || err.Error() != "chdir /no/such/directory: no such file or directory" {
			t.Errorf("%v", err)
		}
	})
}

// A handler of the daemon's never runs in a child, and a signal to the daemon never ends one.
func TestSignalsToTheDaemonWhileForking(t *testing.T) {
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGUSR1, syscall.SIGHUP)
	defer signal.Stop(caught)
	eachWay(t, func(t *testing.T, s *Starter) {
		done := make(chan struct{})
		var storm sync.WaitGroup
		storm.Go(func() {
			for {
				_ = syscall.Kill(os.Getpid(), syscall.SIGUSR1)
				_ = syscall.Kill(os.Getpid(), syscall.SIGHUP)
				select {
				case <-done:
					return
				case <-caught:
				}
			}
		})
		for range 50 {
			if text, e := start(t, s, program(s, "/bin/echo", "up")).end(); e.Code != 0 || text != "up\n" {
				t.Errorf("%q, %+v", text, e)
			}
		}
		close(done)
		storm.Wait()
	})
}

// The connection may have any number, those of the standard descriptors included.
func TestDescriptorIsOneOfTheFirst(t *testing.T) {
	for _, fd := range []int{0, 1, 2, 98} {
		out, err := helperCommand("low", fmt.Sprint(fd)).Output()
		if err != nil || string(out) != "0\n1\n2\n" {
			t.Errorf("%d: %q, %v", fd, out, err)
		}
	}
}

func init() {
	helpers["low"] = helperLow
	helpers["files"] = helperFiles
}

// helperLow starts a program on a low descriptor, which is close-on-exec.
func helperLow(args []string) {
	var fd int
	_, _ = fmt.Sscan(args[0], &fd)
	s := New()
	defer s.Close()
	err := syscall.Dup3(1, 99, syscall.O_CLOEXEC)
	if err == nil {
		err = syscall.Dup3(99, fd, syscall.O_CLOEXEC)
	}
	if err != nil {
		fmt.Println(err)
	}
	context := ""
	if len(args) > 1 {
		execAttr, context = args[1], "u:r:t:s0:c1"
	}
	ended := make(chan Exit, 1)
	err = s.Start(&Command{Program: program(s, "/bin/sh", "-c", "ls /proc/$$/fd"), Fd: fd, ExecContext: context,
		Started: func(int, time.Time) {}, Exited: func(e Exit) { ended <- e }})
	if err != nil {
		fmt.Println(err)
		return
	}
	<-ended
}

// Programs get the soft limit of open files that the daemon was started with, not the one that Go's runtime raises it to.
func TestSoftLimitOfFiles(t *testing.T) {
	cmd := helperCommand("files")
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Path, cmd.Args = "/bin/sh", []string{"sh", "-c", `ulimit -Sn 777 && ulimit -Hn 2000 && exec "$0"`, exe}
	out, err := cmd.Output()
	if err != nil || string(out) != "777 2000\n" {
		t.Errorf("%q, %v", out, err)
	}
}

func helperFiles([]string) {
	s := New()
	defer s.Close()
	ended := make(chan Exit, 1)
	err := s.Start(&Command{Program: program(s, "/bin/sh", "-c", `echo $(ulimit -Sn) $(ulimit -Hn)`), Fd: 1,
		Started: func(int, time.Time) {}, Exited: func(e Exit) { ended <- e }})
	if err != nil {
		fmt.Println(err)
		return
	}
	<-ended
}

func init() { helpers["stopper"] = helperStopper }

// helperStopper stops every process of a user who has no other, for as long as its input is open.
func helperStopper(args []string) {
	uid, _ := strconv.Atoi(args[0])
	if err := syscall.Setuid(uid); err != nil {
		fmt.Println(err)
		return
	}
	go func() {
		_, _ = os.Stdin.Read(make([]byte, 1))
		os.Exit(0)
	}()
	fmt.Println("stopping")
	for {
		_ = syscall.Kill(-1, syscall.SIGSTOP)
	}
}

// A user who stops whatever becomes him, between setuid and exec, holds nobody up for long: neither who starts it nor a launch.
func TestUserStopsChildrenBeforeTheirExec(t *testing.T) {
	needRoot(t)
	const uid = 54322
	s := newStarter(t)
	p := program(s, "/bin/true")
	p.Credential = &config.Credential{Uid: uid, Gid: uid}
	release := stopEverybody(t, uid)
	var runs []*run
	held := 0
	for range 100 {
		began := time.Now()
		runs = append(runs, start(t, s, p))
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("a start took %v", took)
		} else if took >= patience {
			held++
		}
	}
	var launches []*launched
	for range 100 {
		x := mustLaunch(t, s, p, nil)
		began := time.Now()
		eventually(t, "Started", func() bool { return len(x.started) == 1 })
		if time.Since(began) >= patience {
			held++
		}
		launches = append(launches, x)
	}
	t.Logf("%d of %d were stopped before their exec", held, len(runs)+len(launches))
	release()
	s.SignalAll(syscall.SIGCONT)
	for _, r := range runs {
		if _, e := r.end(); e.Code != 0 {
			t.Errorf("%+v", e)
		}
	}
	for _, x := range launches {
		x.ends(t, "")
	}
}

// stopEverybody has a user stop all of his processes again and again, until it is called off.
func stopEverybody(t *testing.T, uid int) (release func()) {
	t.Helper()
	exe := copyOfSelf(t) // where the user can get at it
	cmd := helperCommand("stopper", strconv.Itoa(uid))
	cmd.Path = exe
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
	if n, _ := io.ReadFull(out, line); string(line[:n]) != "stopping\n" {
		t.Fatalf("%q", line[:n])
	}
	return func() {
		in.Close()
		_ = cmd.Wait()
	}
}

func copyOfSelf(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(openDir(t), "helper")
	if err := os.WriteFile(path, text, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// Among thousands of descriptors the daemon keeps its own, and a program gets three; of the connection nothing is left
// behind, so that the peer sees its end.
func TestManyDescriptors(t *testing.T) {
	var many []*os.File
	defer func() {
		for _, f := range many {
			f.Close()
		}
	}()
	for range 2000 {
		f, err := os.Open("/dev/null")
		if err != nil {
			t.Skip(err)
		}
		many = append(many, f)
	}
	eachWay(t, func(t *testing.T, s *Starter) {
		before := openKinds(t)
		for range 5 {
			text := output(t, s, program(s, "/bin/ls", "/proc/self/fd"))
			if text != "0\n1\n2\n3\n" { // 3 is the folder that ls reads
				t.Errorf("a program has %q", text)
			}
			if _, err := tryStart(t, s, program(s, "/no/such/program")); err == nil {
				t.Error("what is not there runs")
			}
		}
		if after := openKinds(t); after != before {
			t.Errorf("descriptors were\n%s\nand are\n%s", before, after)
		}
	})
	for _, f := range many {
		if _, err := f.Stat(); err != nil {
			t.Fatal(err)
		}
	}
}

// openKinds counts what the process has open, by kind.
func openKinds(t *testing.T) string {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, e := range entries {
		if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil {
			kind, _, _ := strings.Cut(to, "[")
			kinds[kind]++
		}
	}
	return fmt.Sprint(kinds)
}
