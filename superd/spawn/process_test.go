package spawn

import (
	"bufio"
	"context"
	"debug/elf"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"superd/superd/config"
)

// These tests need a process of their own, with something wrong about it from the start.

func init() {
	helpers["clean"] = helperClean
	helpers["block"] = helperBlock
	helpers["subreaper"] = helperSubreaper
}

// helperClean is a daemon whose child shows its signals and descriptors.
func helperClean(args []string) {
	if len(args) == 0 {
		CleanSignals()
		CleanDescriptors()
	}
	s, shown := New(), 0
	defer s.Close()
	for _, p := range []*config.Program{
		program(s, "/bin/cat", "/proc/self/status"), // no shell: that would clear the mask itself
		program(s, "/bin/cat", "/proc/self/status"),
		program(s, "/bin/sh", "-c", "ls /proc/$$/fd"),
	} {
		p.Umask = []int{s.own.umask, 0o77}[shown%2]
		shown++
		err := s.Start(&Command{Program: p, Fd: 1, Started: func(int, time.Time) {}, Exited: func(Exit) {}})
		if err != nil {
			fmt.Println(err)
		}
		_ = s.Wait(context.Background())
	}
}

// helperBlock becomes helperClean with some signals blocked.
func helperBlock(args []string) {
	runtime.LockOSThread()
	var blocked unix.Sigset_t
	blocked.Val[0] = 1<<(syscall.SIGHUP-1) | 1<<(syscall.SIGTERM-1) | 1<<(syscall.SIGUSR2-1) | 1<<(syscall.SIGALRM-1)
	if _, err := setMask(&blocked); err != nil {
		fmt.Println(err)
	}
	env := append(os.Environ(), helperVar+"=clean")
	fmt.Println(syscall.Exec("/proc/self/exe", append([]string{"clean"}, args...), env))
}

// dirtily runs helperClean with signals ignored, others blocked, and a descriptor too many.
func dirtily(t *testing.T, args ...string) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := helperCommand("block")
	cmd.Path = "/bin/sh"
	cmd.Args = append([]string{"sh", "-c", `trap "" HUP INT QUIT PIPE TERM TSTP TTIN TTOU USR1 CHLD; exec 7</dev/null "$0" "$@"`, exe}, args...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

func TestCleanChildOfDirtyDaemon(t *testing.T) {
	out := dirtily(t)
	shown := 0
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, "SigIgn:") || strings.HasPrefix(line, "SigBlk:") {
			shown++
			if strings.Trim(line[7:], "0\t\n") != "" {
				t.Error(line)
			}
		}
		if strings.TrimSpace(line) == "7" {
			t.Error("the descriptor is still open")
		}
	}
	if shown != 4 {
		t.Errorf("%d lines about signals:\n%s", shown, out)
	}
	if dirty := dirtily(t, "without"); strings.Trim(field(t, dirty, "SigIgn"), "0") == "" {
		t.Error("without CleanSignals nothing is ignored: this test shows nothing")
	}
}

// helperSubreaper gets orphans, and starts programs meanwhile. It ends when the orphans are gone.
func helperSubreaper([]string) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		fmt.Println(err)
		return
	}
	s := New()
	defer s.Close()
	null, err := os.OpenFile("/dev/null", os.O_RDWR, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	run := func(argv ...string) Exit {
		exits := make(chan Exit, 1)
		err := s.Start(&Command{Program: program(s, argv...), Fd: int(null.Fd()),
			Started: func(int, time.Time) {}, Exited: func(e Exit) { exits <- e }})
		if err != nil {
			fmt.Println(err)
			return Exit{}
		}
		return <-exits
	}
	for i := range 5 { // each leaves an orphan behind
		if e := run("/bin/sh", "-c", fmt.Sprintf("sleep 0.1 & exit %d", i)); e.Code != i {
			fmt.Printf("%+v\n", e)
		}
	}
	for end := time.Now().Add(20 * time.Second); len(children()) > 0; {
		if e := run("/bin/false"); e.Code != 1 {
			fmt.Printf("%+v\n", e)
		}
		if time.Now().After(end) {
			fmt.Println("left:", children())
			return
		}
	}
}

func TestOrphansAreReaped(t *testing.T) {
	cmd := helperCommand("subreaper")
	out, err := cmd.Output()
	if err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}

func interpreter(t *testing.T, path string) string {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			name, err := bufio.NewReader(p.Open()).ReadString(0)
			if err != nil && err != io.EOF {
				t.Fatal(err)
			}
			return strings.TrimRight(name, "\x00")
		}
	}
	return path
}
