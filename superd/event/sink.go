package event

import (
	"sync"
	"time"

	"superd/superd/config"
)

// Sink is a log that is open. Its methods may be called concurrently and never wait: an event is formatted into the
// pending batch, or counted as lost when that is full. Events for a sink that was released to the last are dropped.
type Sink struct {
	hub    *Hub
	target config.LogTarget
	users  int // guarded by the hub
	format format
	now    func() time.Time

	mu      sync.Mutex
	pending batch
	dropped int // for want of room
	reopen  bool
	closed  bool

	wake chan struct{} // the writer has something to do

	// The writer's own.
	out     output
	failing bool
	unsaid  int // lost, and LOST is not yet written
}

// output is where a sink's bytes go. It belongs to the sink's writer, and may block.
type output interface {
	// write returns how many events it has written whole; less than all of them comes with an error.
	write(*batch) (int, error)
	// reopen begins anew, or goes on with what it has and says why.
	reopen() error
	close()
}

// Write logs an event of the daemon. The zero Event is ignored.
func (s *Sink) Write(e Event) { s.write(&e) }

// Start logs what flags, the service's log_on_success, let through.
func (s *Sink) Start(flags config.LogFlags, c Start) {
	e := c.event(flags)
	s.write(&e)
}

// Exit logs what flags, the service's log_on_success, let through; nothing without EXIT, DURATION or TRAFFIC.
func (s *Sink) Exit(flags config.LogFlags, c Exit) {
	e := c.event(flags)
	s.write(&e)
}

// UserID logs whose connection it is said to be, if flags, the service's log_on_success or log_on_failure, have USERID.
func (s *Sink) UserID(flags config.LogFlags, c UserID) {
	e := c.event(flags)
	s.write(&e)
}

// Refuse logs what flags, the service's log_on_failure, let through.
func (s *Sink) Refuse(flags config.LogFlags, c Refuse) {
	e := c.event(flags)
	s.write(&e)
}

func (s *Sink) write(e *Event) {
	if e.kind == kindNone {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return
	case s.pending.full():
		s.dropped++
		return
	}
	s.appendTo(&s.pending, e)
	s.signal()
}

func (s *Sink) appendTo(b *batch, e *Event) {
	b.buf = s.format.append(b.buf, e, s.now())
	b.close()
}

// signal wakes the writer, or leaves word for it.
func (s *Sink) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// ask tells the writer to reopen or to write what is left and end.
func (s *Sink) ask(request *bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*request = true
	s.signal()
}

// linger is how long the writer rests after a write, so that under load one wake-up and one write(2) serve many events:
// of a plain connection's cost that is a fifth. An event after a quiet time is written at once.
const linger = 5 * time.Millisecond

// run is the writer.
func (s *Sink) run() {
	defer s.out.close()
	var b batch
	s.flush(&b) // so that a syslogd that is not there is told of now
	for range s.wake {
		reopen, closed := s.take(&b)
		if reopen {
			if err := s.out.reopen(); err != nil {
				s.hub.report(s, logFailedEvent(describe(s.target), err))
			}
		}
		s.flush(&b)
		if closed {
			return
		}
		time.Sleep(linger)
	}
}

// take exchanges the pending batch for b, which has been written.
func (s *Sink) take(b *batch) (reopen, closed bool) {
	b.reset()
	s.mu.Lock()
	defer s.mu.Unlock()
	*b, s.pending = s.pending, *b
	s.unsaid += s.dropped
	s.dropped = 0
	reopen, s.reopen = s.reopen, false
	return reopen, s.closed
}

// flush writes b, and LOST after it if something should have followed.
func (s *Sink) flush(b *batch) {
	events, missing := b.len(), s.unsaid
	if missing > 0 {
		e := lostEvent(missing)
		s.appendTo(b, &e)
	}
	n, err := s.out.write(b)
	if n == b.len() {
		s.unsaid = 0
	} else {
		s.unsaid = missing + max(0, events-n)
	}
	switch {
	case err != nil && !s.failing:
		s.hub.report(s, logFailedEvent(describe(s.target), err))
	case err == nil && s.failing:
		s.hub.report(s, logRecoveredEvent(describe(s.target), missing))
	}
	s.failing = err != nil
}

// Release gives back what Open gave. The last one ends the sink, which still writes what it has.
func (s *Sink) Release() { s.hub.release(s) }
