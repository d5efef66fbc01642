package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"superd/superd/control"
)

// pty is a program on a terminal of its own, and what that terminal was told to show.
type pty struct {
	t      *testing.T
	master *os.File
	cmd    *exec.Cmd
	ended  chan struct{}

	mu   sync.Mutex
	seen strings.Builder
}

func startOnTerminal(t *testing.T, cmd *exec.Cmd) *pty {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminal to be had: %v", err)
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(int(slave.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 20, Col: 120}); err != nil {
		t.Fatal(err)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	p := &pty{t: t, master: master, cmd: cmd, ended: make(chan struct{})}
	go p.collect()
	t.Cleanup(func() { cmd.Process.Kill(); <-p.ended; master.Close() })
	return p
}

// collect reads until the program has given up the terminal.
func (p *pty) collect() {
	defer close(p.ended)
	b := make([]byte, 4096)
	for {
		n, err := p.master.Read(b)
		p.mu.Lock()
		p.seen.Write(b[:n])
		p.mu.Unlock()
		if err != nil {
			_ = p.cmd.Wait() // ProcessState tells
			return
		}
	}
}

func (p *pty) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen.String()
}

// shows waits until the terminal shows something new that matches.
func (p *pty) shows(re string) {
	p.t.Helper()
	want := regexp.MustCompile(re)
	if !poll(func() bool { return want.MatchString(p.frame()) }) {
		p.t.Fatalf("the terminal does not show %q:\n%s", re, p.frame())
	}
}

// frame is the last one that was drawn whole.
func (p *pty) frame() string {
	frames := strings.Split(p.text(), "\x1b[H")
	for i := len(frames) - 1; i > 0; i-- {
		if text, whole := strings.CutSuffix(frames[i], "\x1b[J"); whole {
			return strings.ReplaceAll(text, "\x1b[K", "")
		}
	}
	return ""
}

func (p *pty) press(keys string) {
	p.t.Helper()
	if _, err := io.WriteString(p.master, keys); err != nil {
		p.t.Fatal(err)
	}
}

// TestTop drives top on a real terminal, beside a real daemon.
func TestTop(t *testing.T) {
	dir, err := os.MkdirTemp("", "superd")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	other, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("superd {\n control = %q\n}\n", filepath.Join(dir, "control.sock"))
	for i, p := range []int{port, other} {
		text += fmt.Sprintf("service \"echo\" {\n id = %q\n type = \"INTERNAL\"\n socket_type = \"stream\"\n bind = \"127.0.0.1\"\n port = %d\n}\n", []string{"first", "second"}[i], p)
	}
	file := filepath.Join(dir, "superd.hcl")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	daemon := exec.Command("superd", "run", "-c", file)
	log := &logbook{grown: make(chan struct{})}
	daemon.Stdout, daemon.Stderr = log, log
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { daemon.Process.Signal(syscall.SIGTERM); daemon.Wait() })
	if !poll(func() bool { return strings.Contains(log.String(), " READY ") }) {
		t.Fatal("superd does not become ready")
	}

	cmd := exec.Command("superd", "top", "-c", file, "--interval", "100ms")
	cmd.Env = append(os.Environ(), "TERM=xterm")
	p := startOnTerminal(t, cmd)
	p.shows(`(?s)connections: 0\s.*services: 2.*\*NOW.*first +listening.*second +listening`)

	// A connection comes, and its service to the top.
	c, err := connect("tcp", fmt.Sprintf("127.0.0.1:%d", other), "")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	p.shows(`(?s)connections: 1\s.* 1  .*second +listening.*first +listening`)

	// Filter by typing, pause with a confirmed key, and resume.
	p.press("fir")
	p.shows(`with: fir`)
	p.press("\x10")
	p.shows(`have first accept nobody\? \(y or n\)`)
	p.press("n\x10y")
	p.shows(`first +paused`)
	p.press("\x10y")
	p.shows(`first +listening`)
	p.press("\x7f\x7f\x7f")
	p.shows(`(?s)second +listening.*first +listening`)

	// Sorted by another column.
	p.press("\t\t\t\t\t")
	p.shows(`(?s)\*SERVICE.*first +listening.*second +listening`)

	// Down to the connections of the second, and end the one there is.
	p.press("\x1b[B\r")
	p.shows(`(?s)connections of second.*\*AGE.*127\.0\.0\.1:`)
	p.press("\x1b[3~")
	p.shows(`end connection \d+ of second\?`)
	p.press("y")
	p.shows(`connection \d+ of second is ended`)
	if _, err := io.ReadAll(c); err != nil {
		t.Errorf("the client: %v", err)
	}
	p.press("\x1b")
	p.shows(`services: 2`)

	p.press("\x03")
	<-p.ended
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit status %d", code)
	}
	if !strings.HasSuffix(p.text(), "\x1b[?25h\x1b[?1049l") {
		t.Errorf("the screen is not given back: %q", p.text()[max(0, len(p.text())-40):])
	}

	// No terminal: plain lines.
	out, err := exec.Command("superd", "top", "-c", file, "-i", "100ms", "-n", "3").Output()
	if n := strings.Count(string(out), "SERVICE  STATE"); err != nil || n != 3 || strings.Contains(string(out), "\x1b") {
		t.Errorf("%v, %d tables:\n%s", err, n, out)
	}
}

func TestNextKey(t *testing.T) {
	for text, want := range map[string][]key{
		"":               nil,
		"aé":             {'a', 'é'},
		"\x1b":           {keyEscape},
		"\x1b\x1b[A":     {keyEscape, keyUp},
		"\x1bOB\x1b[3~x": {keyDown, keyDelete, 'x'},
		"\x1b[1;5Cq":     {keyUnknown, 'q'},
		"\x1b[12":        {keyUnknown},
		"\x00\xff\x03":   {keyUnknown, keyUnknown, keyQuit},
	} {
		var got []key
		for b := []byte(text); ; {
			k, n := nextKey(b)
			if n == 0 {
				break
			}
			got = append(got, k)
			b = b[n:]
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// TestBoard: what a daemon says never steers the terminal, whatever the size of the window.
func TestBoard(t *testing.T) {
	var b board
	for range 2 {
		b.show(&control.Status{
			Hello: control.Hello{Config: "\x1b[2J"}, Time: time.Now(), Degraded: 1,
			Services: []control.Service{{ID: "a", State: control.Waiting, Last: &control.Last{Event: "WARNING", Summary: "\x1b]0;x\a"}}},
		}, nil)
	}
	for width := range 130 {
		for height := 1; height < 12; height++ {
			lines := b.frame(width, height)
			text := strings.Join(lines, "")
			text = strings.ReplaceAll(strings.ReplaceAll(text, inverse, ""), normal, "")
			if len(lines) > height || strings.ContainsAny(text, "\x1b\a") {
				t.Fatalf("%d × %d: %q", width, height, lines)
			}
		}
	}
	b.show(nil, control.ErrNoDaemon)
	if first := b.frame(80, 10)[0]; !strings.HasPrefix(first, "superd does not answer") {
		t.Errorf("%q", first)
	}
}
