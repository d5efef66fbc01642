package spawn

import (
	"context"
	"errors"
	"os"
	"sync"
	"syscall"
	"time"

	"superd/superd/config"
)

// Starter starts programs and reaps them. New makes one; its methods are safe for concurrent use.
type Starter struct {
	own    inheritance
	poll   *os.File      // epoll(7) over the pidfds; nil when broken
	epfd   int           // poll's descriptor; used under mu while not closed
	broken error         // why poll could not be made: what every Start returns
	done   chan struct{} // closed by Close
	ends   sync.WaitGroup

	// forks is held for reading from a fork until the child is in the table, and while a child that has left it is reaped; and
	// for writing by the sweep for orphans, which needs that nobody is in between.
	forks   sync.RWMutex
	nursery nursery // bounds the forks at once

	mu       sync.Mutex
	children map[int]*child
	aloft    launches
	live     int           // Starts under way and children whose Exited has not returned
	idle     chan struct{} // closed when live falls to 0; nil when nobody waits
	closed   bool
}

// child is a program that has been started and not been reaped. Its pid cannot be recycled meanwhile.
type child struct {
	pid     int
	pidfd   int     // closed by whoever takes the child out of the table
	user    *uint32 // whom it was started as; nil: the daemon's own user
	started time.Time
	exited  func(Exit)
	armed   bool // the reaper is told of its end
	aloft   bool // it was launched and is not settled
	missed  bool // the reaper was told, and could not have it, since it was being settled
}

// Command is one start of a program.
type Command struct {
	Program *config.Program // not changed, not kept
	Env     []string        // added after Program.Env
	Fd      int             // becomes 0, 1 and 2; in blocking mode. It stays the caller's, who may close it when Start or Launch has returned

	// ExecContext is the SELinux context that the program gets (setexeccon(3)), by this start alone; "": the one that the
	// policy gives it. A kernel without SELinux fails the step, and so does a policy that does not allow it.
	ExecContext string

	Owner any // whose launch it is, for SettleOne and Leave

	// Started is called when the program runs; by Start, before it returns. Signal knows the pid by then.
	Started func(pid int, at time.Time)
	// Failed is called once, instead of Started, if a launch turns out not to become its program. The error is as Start's.
	Failed func(error)
	// Exited is called once, after Started has returned, on the reaper's goroutine or, as Failed, on any other: it must not block.
	Exited func(Exit)
}

// Exit is how a program ended.
type Exit struct {
	Pid            int
	Code           int            // exit status; -1 if a signal ended it, or if it was reaped by somebody else
	Signal         syscall.Signal // 0 if it exited
	Core           bool           // it left a core dump
	User, System   time.Duration  // CPU time, with that of descendants it has waited for
	MaxRSS         int64          // bytes
	Started, Ended time.Time
}

// ErrClosed is returned by Start after Close.
var ErrClosed = errors.New("starter is closed")

// New starts the reaper. A daemon has one Starter; it should not change its umask, root or nice value afterwards.
//
// The daemon's umask gets the bits 022 added, as xinetd does, so that what it writes itself is never writable by others.
func New() *Starter {
	s := &Starter{
		own:      inherit(),
		done:     make(chan struct{}),
		children: map[int]*child{},
	}
	reserveThreads(forksAtOnce() + spareThreads)
	if s.nursery, s.broken = newNursery(forksAtOnce()); s.broken != nil {
		return s
	}
	if s.poll, s.epfd, s.broken = newPoll(); s.broken != nil {
		return s
	}
	s.ends.Go(s.reap)
	if adopts() {
		s.ends.Go(s.sweep)
	} else {
		hushChildren()
	}
	return s
}

// Start runs c. With nil, Started has been called and Exited will be; with an error, neither. The error is an *Error
// that says which step failed, or ErrClosed; Temporary tells whether trying again later makes sense.
func (s *Starter) Start(c *Command) error {
	if err := s.begin(); err != nil {
		return err
	}
	s.Settle() // they have births
	l, err := s.fork(c, <-s.nursery.births)
	if err != nil {
		return err
	}
	if err := s.born(l); err != nil {
		s.finish()
		return err
	}
	s.settled(l.child)
	return nil
}

// fork begins a start, after begin; it has b until the child is born.
func (s *Starter) fork(c *Command, b *birth) (*launch, error) {
	s.forks.RLock()
	defer s.forks.RUnlock()
	pid, err := b.bear(c, &s.own, &s.nursery.slots)
	if err != nil {
		s.nursery.births <- b
		s.finish()
		return nil, err
	}
	ch := &child{pid: pid, pidfd: int(b.pidfd), exited: c.Exited}
	if who := c.Program.Credential; who != nil {
		ch.user = &who.Uid
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.children[pid] = ch
	return &launch{command: c, birth: b, child: ch}, nil
}

// born waits until l's program runs, and says so, or has failed to.
func (s *Starter) born(l *launch) error {
	late := l.birth.over()
	err := l.birth.born(l.child.pid, l.command, &s.nursery.slots)
	at := time.Now()
	if late { // it has run for a while, or even ended
		at = later(l.birth.calledExec(at), l.seen)
	}
	s.nursery.births <- l.birth
	if err != nil {
		s.disown(l.child)
		return err
	}
	l.child.started = at
	l.command.Started(l.child.pid, l.child.started)
	return nil
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// disown ends and reaps a child that has not become its program. Nobody else may reap it: its pid would be somebody else's.
func (s *Starter) disown(ch *child) {
	s.forks.RLock()
	defer s.forks.RUnlock()
	s.mu.Lock()
	delete(s.children, ch.pid)
	s.mu.Unlock()
	destroy(ch.pid, ch.pidfd)
}

// begin counts a Start in before it forks, so that Wait does not miss it.
func (s *Starter) begin() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	if s.broken != nil {
		return &Error{Step: "reaper", Err: s.broken}
	}
	s.live++
	return nil
}

func (s *Starter) finish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live--
	if s.live == 0 && s.idle != nil {
		close(s.idle)
		s.idle = nil
	}
}

// Running returns how many programs are being started, run, or have an Exited that has not returned.
func (s *Starter) Running() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.live
}

// Reserved returns how many descriptors the Starter keeps for starts, whether one is under way or not.
func (s *Starter) Reserved() int { return s.nursery.slots.held }

// Wait returns nil when Running is 0, and, for process 1, when everybody it has adopted has ended too; or the
// context's error if that ends first.
func (s *Starter) Wait(ctx context.Context) error {
	if err := s.waitIdle(ctx); err != nil {
		return err
	}
	for s.othersLeft() {
		select {
		case <-time.After(sweepAgain):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (s *Starter) waitIdle(ctx context.Context) error {
	s.mu.Lock()
	if s.live == 0 {
		s.mu.Unlock()
		return nil
	}
	if s.idle == nil {
		s.idle = make(chan struct{})
	}
	idle := s.idle
	s.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Signal sends sig to the process group that pid, a child of this Starter, leads. It reports whether it was sent; false
// for a child that has been reaped, so that a recycled pid is never hit. Processes that left the group are not reached.
func (s *Starter) Signal(pid int, sig syscall.Signal) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.children[pid]
	return ch != nil && s.killGroup(ch, sig) == nil
}

// SignalAll does Signal for all children and returns how many were reached. A Start under way may be missed. Process 1
// signals every process there is.
func (s *Starter) SignalAll(sig syscall.Signal) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	everybody := signalEverybody(sig)
	n := 0
	for pid, ch := range s.children {
		if everybody && syscall.Kill(-pid, 0) == nil || s.killGroup(ch, sig) == nil {
			n++
		}
	}
	return n
}

// Close ends the reaper and waits for it. Children that still run are left alone, their Exited is never
// called. No Start may be under way. Exited must not call Close.
func (s *Starter) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	for pid, ch := range s.children {
		s.forgetLocked(pid, ch)
	}
	s.mu.Unlock()
	close(s.done)
	if s.poll != nil {
		s.poll.Close()
	}
	s.ends.Wait()
	s.nursery.close()
}
