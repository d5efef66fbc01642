package spawn

import (
	"errors"
	"slices"
	"syscall"
	"time"
)

// Launches are starts that nobody waits for. Whoever comes by settles those that are over: who launches the next one, the reaper
// when a child has ended already, and a timer while there are any.

// launch is a start under way: its child shares the daemon's memory, and perhaps has a copy of the connection in a slot.
type launch struct {
	command *Command
	birth   *birth
	child   *child
	told    time.Time // when it was begun or, last, told to go on
	seen    time.Time // when it was last seen under way; zero: never
}

// launches are those under way, under the Starter's mutex.
type launches struct {
	all   []*launch
	timer *time.Timer
	wait  time.Duration // of the timer; 0: it does not run
}

const (
	lookSoon = time.Millisecond
	lookLate = 10 * time.Millisecond
)

// ErrBusy is returned by Launch when as many programs are being started as may be.
var ErrBusy = errors.New("too many programs are being started")

// Launch begins what Start does, and does not wait for it. With nil, either Started will be called and Exited after it, or Failed,
// on any goroutine: they must not block. The connection's peer does not see the end of it before, nor can the Starter be
// closed. With an error, none of them will be called.
func (s *Starter) Launch(c *Command) error {
	s.Settle()
	if err := s.begin(); err != nil {
		return err
	}
	select {
	case b := <-s.nursery.births:
		l, err := s.fork(c, b)
		if err == nil {
			s.follow(l)
		}
		return err
	default:
		s.finish()
		return ErrBusy
	}
}

// follow leaves l to the others.
func (s *Starter) follow(l *launch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l.told, l.child.aloft = time.Now(), true
	s.aloft.all = append(s.aloft.all, l)
	if s.aloft.wait != lookSoon {
		s.lookLocked(lookSoon)
	}
}

// take gives the oldest launch that is as wanted to the caller, who must settle it; nil: there is none that nobody else has taken.
func (s *Starter) take(wanted func(*launch) bool) *launch {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.aloft.all, wanted)
	if i < 0 {
		return nil
	}
	l := s.aloft.all[i]
	s.aloft.all = slices.Delete(s.aloft.all, i, i+1)
	return l
}

func (l *launch) over() bool { return l.birth.over() }

// Settle settles the launches that need not be waited for, of all owners: who has seen what a program does finds it started.
func (s *Starter) Settle() {
	for l := s.take((*launch).over); l != nil; l = s.take((*launch).over) {
		s.settle(l)
	}
}

// SettleOne waits until the oldest of owner's launches is over that nobody else has come by to settle, and settles it. It
// reports false if there is none.
func (s *Starter) SettleOne(owner any) bool {
	l := s.takeOldest(owner)
	if l != nil {
		s.settle(l)
	}
	return l != nil
}

func (s *Starter) takeOldest(owner any) *launch {
	return s.take(func(l *launch) bool { return l.command.Owner == owner })
}

// Leave has the reaper settle owner's launches when their programs have ended: owner will not come by soon.
func (s *Starter) Leave(owner any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.aloft.all {
		if l.command.Owner == owner && !l.child.armed {
			s.armLocked(l.child)
		}
	}
}

// settle waits for l and tells what has become of it, and of its program if that has ended already and the reaper was told.
func (s *Starter) settle(l *launch) {
	if err := s.born(l); err != nil {
		l.command.Failed(err)
		s.finish()
		return
	}
	if s.settled(l.child) {
		s.ended(l.child.pid)
	}
}

// settled leaves ch to the reaper. It reports true if that has been told already, and nobody has reaped ch.
func (s *Starter) settled(ch *child) (ended bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch.aloft = false
	if !ch.armed {
		s.armLocked(ch)
	}
	return ch.missed
}

func (s *Starter) lookLocked(wait time.Duration) {
	s.aloft.wait = wait
	if s.aloft.timer == nil {
		s.aloft.timer = time.AfterFunc(wait, s.look)
	} else {
		s.aloft.timer.Reset(wait)
	}
}

// look is the timer's. It comes again while there are launches, later each time.
func (s *Starter) look() {
	s.Settle()
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for _, l := range s.aloft.all {
		l.seen = now
		if now.Sub(l.told) >= patience {
			l.told = now
			_ = syscall.Kill(l.child.pid, syscall.SIGCONT)
		}
	}
	if len(s.aloft.all) == 0 {
		s.aloft.wait = 0
		return
	}
	s.lookLocked(min(2*max(s.aloft.wait, lookSoon), lookLate))
}
