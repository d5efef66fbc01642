package superd

import (
	"fmt"
	"sync/atomic"
	"time"

	"superd/superd/event"
	"superd/superd/systemd"
)

// pulse tells whether a listener does its work. The zero value is one that has not begun.
type pulse struct {
	beats   atomic.Uint64 // grows with each connection, datagram or program that the listener takes up
	resting atomic.Int32  // above 0: what waits in the queue has to wait: for room, an end of a pause, a program that has the socket
}

func (p *pulse) beat() { p.beats.Add(1) }

// rest begins a rest, and returns what ends it.
func (p *pulse) rest() (end func()) {
	p.resting.Add(1)
	return func() {
		p.beats.Add(1)
		p.resting.Add(-1)
	}
}

// watchdog answers the service manager's (WatchdogSec) for as long as superd does what it is there for: its loop turns, since
// the loop runs the watchdog, and nobody stands before a door that no listener opens. When that is no longer
// so, it is silent, and the manager restarts the daemon. It belongs to the supervisor's goroutine.
type watchdog struct {
	every time.Duration // 0: nobody asks
	timer *time.Timer
	seen  map[*listener]uint64 // the beats of the listeners whose queue was not empty, at the check before
	sick  bool
}

func newWatchdog(interval time.Duration) *watchdog {
	w := &watchdog{every: interval / 3} // a queue is seen at two checks, and an answer is late after three
	w.timer = time.NewTimer(w.every)
	if w.every == 0 {
		w.timer.Stop()
	}
	return w
}

// answer checks and, if all is well, tells the manager.
func (w *watchdog) answer(s *supervisor) {
	w.timer.Reset(w.every)
	stuck := w.check(s)
	if stuck != nil {
		if !w.sick {
			s.host.say(event.Warn(stuck.svc.id, fmt.Sprintf("clients wait on %s and are not accepted; the service manager's watchdog is not answered", stuck.sock.Endpoint())))
		}
		w.sick = true
		return
	}
	w.sick = false
	s.host.tell(systemd.Watchdog)
}

// check returns a listener that has left its queue alone since the last check, though nothing keeps it from work.
func (w *watchdog) check(s *supervisor) (stuck *listener) {
	waiting := map[*listener]uint64{}
	for _, l := range s.sockets {
		beats := l.pulse.beats.Load()
		if l.pulse.resting.Load() > 0 || !l.sock.Waiting() {
			continue
		}
		if before, waited := w.seen[l]; waited && before == beats && l.pulse.beats.Load() == beats {
			stuck = l
		}
		waiting[l] = beats
	}
	w.seen = waiting
	return stuck
}
