package spawn

import (
	"errors"
	"time"
)

// Launch is a start that is under way: a child that is to become its program. Its methods are for one goroutine at a time.
type Launch struct {
	starter *Starter
	command *Command
	birth   *birth
	child   *child
}

// ErrBusy is returned by Launch when as many launches are under way as may be.
var ErrBusy = errors.New("too many programs are being started")

// Launch begins what Start does, and never waits: while the child is on its way to its program, the caller can be about something
// else. Wait must be called, and soon: until then the connection's peer does not see the end of it, and the Starter
// cannot be closed. Who has launches under way must not call Start, which may have to wait for one to be over.
func (s *Starter) Launch(c *Command) (*Launch, error) {
	if err := s.begin(); err != nil {
		return nil, err
	}
	select {
	case b := <-s.nursery.births:
		return s.launch(c, b)
	default:
		s.finish()
		return nil, ErrBusy
	}
}

// launch forks, after begin, and has b until the launch is over.
func (s *Starter) launch(c *Command, b *birth) (*Launch, error) {
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
	return &Launch{starter: s, command: c, birth: b, child: ch}, nil
}

// Over reports whether Wait would return at once.
func (l *Launch) Over() bool { return l.birth.over() }

// Wait waits until the program runs or has failed to, and returns what Start would.
func (l *Launch) Wait() error {
	s, ch := l.starter, l.child
	err := l.birth.born(ch.pid, l.command, &s.nursery.slots)
	s.nursery.births <- l.birth
	if err != nil {
		s.disown(ch)
		s.finish()
		return err
	}
	ch.started = time.Now()
	l.command.Started(ch.pid, ch.started)
	s.arm(ch)
	return nil
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
