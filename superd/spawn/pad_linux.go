package spawn

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// wear is what a child can only inherit from the thread that forks it.
type wear struct {
	umask int
	nice  int // relative to the daemon's
}

// A pad is a goroutine locked to a thread of its own that wears something for good. Crews of pads that wear the
// same take their jobs from one channel; they are made at first use and live until Close.
type pads struct {
	mu    sync.Mutex
	crews map[wear]chan job
}

const (
	crewSize = 2  // forks that run side by side
	maxCrews = 16 // beyond that, each start has a pad of its own that serves once
)

type job struct {
	command *Command
	result  chan<- result
}

type result struct {
	child *child
	err   error
}

// launch forks c where a child inherits what it should: on this thread if it wears nothing special.
func (s *Starter) launch(c *Command) (*child, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	w := wear{umask: c.Program.Umask, nice: c.Program.Nice}
	if w == s.own && !onLeader() {
		return s.bear(c)
	}
	answer := make(chan result, 1)
	select {
	case s.crew(w) <- job{c, answer}:
	case <-s.done:
		return nil, ErrClosed
	}
	r := <-answer
	return r.child, r.err
}

// crew returns where the pads that wear w take their jobs.
func (s *Starter) crew(w wear) chan<- job {
	s.pads.mu.Lock()
	defer s.pads.mu.Unlock()
	if jobs := s.pads.crews[w]; jobs != nil {
		return jobs
	}
	if len(s.pads.crews) >= maxCrews {
		once := make(chan job, 1)
		s.ends.Go(func() { onOwnThread(func() { s.serveOne(&pad{wear: w}, once) }) })
		return once
	}
	jobs := make(chan job)
	s.pads.crews[w] = jobs
	for range crewSize {
		s.ends.Go(func() { onOwnThread(func() { s.serve(w, jobs) }) })
	}
	return jobs
}

func (s *Starter) serve(w wear, jobs <-chan job) {
	p := &pad{wear: w}
	for s.serveOne(p, jobs) {
	}
}

// serveOne does the next job; false when the Starter is closed.
func (s *Starter) serveOne(p *pad, jobs <-chan job) bool {
	select {
	case j := <-jobs:
		ch, err := s.bearOn(p, j.command)
		j.result <- result{ch, err}
		return true
	case <-s.done:
		return false
	}
}

// pad is the state of one pad's thread.
type pad struct {
	wear
	dressed     bool
	sharedUmask bool // unshare(2) is forbidden: the umask is the whole process's
}

func (s *Starter) bearOn(p *pad, c *Command) (*child, error) {
	if err := p.dress(); err != nil {
		return nil, err
	}
	if !p.sharedUmask {
		return s.bear(c)
	}
	s.forks.Lock()
	defer s.forks.Unlock()
	defer syscall.Umask(syscall.Umask(p.umask))
	return s.bearLocked(c)
}

// dress is tried again with each job until it succeeds.
func (p *pad) dress() error {
	if p.dressed {
		return nil
	}
	if err := p.ownUmask(); err != nil {
		return &Error{Step: "umask", Name: fmt.Sprintf("%03o", p.umask), Err: err}
	}
	if p.nice != 0 {
		if err := addNice(p.nice); err != nil {
			return &Error{Step: "nice", Name: fmt.Sprint(p.nice), Err: err}
		}
	}
	p.dressed = true
	return nil
}

var unshare = unix.Unshare // tests forbid it

// ownUmask gives this thread a umask of its own. Containers whose seccomp filter keeps unshare(2) for CAP_SYS_ADMIN
// must do with the process's, changed around each fork while no other is under way.
func (p *pad) ownUmask() error {
	switch err := unshare(unix.CLONE_FS); err {
	case nil:
		syscall.Umask(p.umask)
		return nil
	case unix.EPERM, unix.ENOSYS:
		p.sharedUmask = true
		return nil
	default:
		return os.NewSyscallError("unshare", err)
	}
}

// addNice is nice(2) for this thread only, counted from the process's value.
func addNice(n int) error {
	own, err := unix.Getpriority(unix.PRIO_PROCESS, os.Getpid())
	if err != nil {
		return os.NewSyscallError("getpriority", err)
	}
	want := 20 - own + n // the system call gives 20-nice
	return unix.Setpriority(unix.PRIO_PROCESS, 0, min(max(want, -20), 19))
}

// tightenUmask adds 022 to the process's umask and returns it.
func tightenUmask() int {
	mask := syscall.Umask(0o777) | 0o022
	syscall.Umask(mask)
	return mask
}
