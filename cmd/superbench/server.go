package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// server is a contender that runs.
type server struct {
	Name  string
	Addr  netip.AddrPort
	Dir   string
	Start time.Duration // from exec to when it served
	Pid   int

	cmd     *exec.Cmd
	job     job
	lines   *lines
	dead    chan struct{} // closed when it has ended
	running *running
	stopped bool
	launch  *launch
	served  int // connections so far
	refused int
	logs    bool // superd's events are in connections.log
}

// startPatience is for 10,000 services on a slow machine.
const startPatience = 60 * time.Second

// start runs a contender on a job, returns when it serves.
func (c *contender) start(l *launch, name string, r *running, ask func(*server) error) (*server, error) {
	if err := c.Launch(l); err != nil {
		return nil, err
	}
	output, err := os.Create(l.file("stderr.log"))
	if err != nil {
		return nil, err
	}
	defer output.Close()
	s := &server{Name: name, Addr: l.Addr, Dir: l.Dir, job: l.job, dead: make(chan struct{}), launch: l, logs: c.Name == superdName && l.Shipped == ""}
	s.cmd = exec.Command(c.path, l.Argv...)
	s.cmd.Dir = l.Dir
	s.cmd.Env = append(os.Environ(), c.env...)
	s.cmd.Stdout = output
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	ready := make(chan struct{})
	if l.Ready == "" {
		s.cmd.Stderr = output
	} else {
		s.lines = &lines{to: output, seen: map[string]chan struct{}{l.Ready: ready}}
		pipe, w, err := os.Pipe()
		if err != nil {
			return nil, err
		}
		defer w.Close()
		s.cmd.Stderr = w
		s.lines.to, err = os.OpenFile(output.Name(), os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			return nil, errors.Join(err, pipe.Close())
		}
		go s.lines.read(pipe)
	}
	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	s.Pid = s.cmd.Process.Pid
	s.running = r
	r.add(s.Pid)
	if l.Pidfile != "" {
		err = s.follow(l.Pidfile)
	} else {
		go func() {
			_ = s.cmd.Wait()
			close(s.dead)
		}()
	}
	if err == nil && l.Ready != "" {
		err = s.await(ready)
	} else if err == nil {
		err = s.probe(ask)
	}
	if err != nil {
		s.stop()
		return nil, fmt.Errorf("%w%s", err, lastWords(l.Dir))
	}
	s.Start = time.Since(began)
	return s, nil
}

// follow waits for a server to go into the background. It is our child all the same: see PR_SET_CHILD_SUBREAPER in main.
func (s *server) follow(pidfile string) error {
	err := s.cmd.Wait()
	s.running.remove(s.Pid)
	if err != nil {
		s.Pid = 0
		return err
	}
	text, err := poll(startPatience, func() ([]byte, error) {
		b, err := os.ReadFile(pidfile)
		if err == nil && len(bytes.TrimSpace(b)) == 0 {
			err = errors.New("empty pid file")
		}
		return b, err
	})
	if err != nil {
		s.Pid = 0 // nobody knows whose it is
		return err
	}
	if s.Pid, err = strconv.Atoi(string(bytes.TrimSpace(text))); err != nil {
		return fmt.Errorf("%s: %w", pidfile, err)
	}
	s.running.add(s.Pid)
	go func() {
		var status unix.WaitStatus
		for {
			if _, err := unix.Wait4(s.Pid, &status, 0, nil); err != unix.EINTR {
				break
			}
		}
		close(s.dead)
	}()
	return nil
}

func (s *server) await(ready <-chan struct{}) error {
	select {
	case <-ready:
		return nil
	case <-s.dead:
		return errors.New("it ended at once")
	case <-time.After(startPatience):
		return errors.New("it was not ready in time")
	}
}

// probe asks until the server answers, for servers that announce nothing.
func (s *server) probe(ask func(*server) error) error {
	_, err := poll(startPatience, func() (struct{}, error) {
		select {
		case <-s.dead:
			return struct{}{}, fatal{errors.New("it ended at once")}
		default:
		}
		return struct{}{}, ask(s)
	})
	return err
}

// fatal is an error after which poll does not try again.
type fatal struct{ error }

// poll tries until it succeeds.
func poll[T any](patience time.Duration, try func() (T, error)) (T, error) {
	for end := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		v, err := try()
		var f fatal
		if err == nil || errors.As(err, &f) || time.Now().After(end) {
			return v, err
		}
	}
}

// stop ends the server: by TERM, and by KILL if that does not help; what it started goes along.
func (s *server) stop() {
	if s.stopped || s.Pid == 0 {
		return
	}
	s.stopped = true
	_ = unix.Kill(s.Pid, unix.SIGTERM)
	select {
	case <-s.dead:
	case <-time.After(10 * time.Second):
	}
	_ = unix.Kill(-s.Pid, unix.SIGKILL)
	select {
	case <-s.dead:
	default:
		_ = unix.Kill(s.Pid, unix.SIGKILL)
		<-s.dead
	}
	s.running.remove(s.Pid)
}

// running are the servers' process ids, for when the run is broken off.
type running struct {
	mu   sync.Mutex
	pids map[int]bool
	over bool
}

func (r *running) add(pid int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		_ = unix.Kill(pid, unix.SIGKILL)
		return
	}
	if r.pids == nil {
		r.pids = map[int]bool{}
	}
	r.pids[pid] = true
}

func (r *running) remove(pid int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.pids, pid)
}

// kill ends them all, with what they have started, and whatever is added later.
func (r *running) kill() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
	for pid := range r.pids {
		_ = unix.Kill(-pid, unix.SIGKILL)
		_ = unix.Kill(pid, unix.SIGKILL)
	}
}

// over says that the server has ended, though nobody asked it to.
func (s *server) over() bool {
	select {
	case <-s.dead:
		return !s.stopped
	default:
		return false
	}
}

// lastWords are the last lines that a server wrote.
func lastWords(dir string) string {
	var words []string
	for _, name := range []string{"stderr.log", "daemon.log"} {
		text, _ := os.ReadFile(filepath.Join(dir, name))
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		words = append(words, lines[max(0, len(lines)-3):]...)
	}
	if all := strings.TrimSpace(strings.Join(words, "; ")); all != "" {
		return ": " + all
	}
	return ""
}

// lines copies a server's standard error to a file and closes a channel when a line with a given text comes.
type lines struct {
	to *os.File

	mu   sync.Mutex
	seen map[string]chan struct{}
}

// expect returns a channel that is closed at the next line with the text.
func (l *lines) expect(text string) <-chan struct{} {
	c := make(chan struct{})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen[text] = c
	return c
}

func (l *lines) read(from *os.File) {
	defer from.Close()
	defer l.to.Close()
	r := bufio.NewReader(from)
	for {
		line, err := r.ReadString('\n')
		_, _ = l.to.WriteString(line)
		l.mu.Lock()
		for text, c := range l.seen {
			if strings.Contains(line, text) {
				close(c)
				delete(l.seen, text)
			}
		}
		l.mu.Unlock()
		if err != nil {
			return
		}
	}
}
