package superd

import (
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"superd/superd/event"
	"superd/superd/systemd"
)

// tell sends to the service manager, if there is one.
func (h *host) tell(assignments ...string) {
	if err := h.store.manager.Tell(assignments...); err != nil {
		h.say(event.Warn("", err.Error()))
	}
}

// bustle tells the loop that connections come and go, once until the loop has looked. The zero value tells nobody.
type bustle struct {
	heard   chan struct{}
	stirred atomic.Bool
}

// stir costs one look at a flag while the loop knows already.
func (b *bustle) stir() {
	if b.heard != nil && !b.stirred.Load() && b.stirred.CompareAndSwap(false, true) {
		select {
		case b.heard <- struct{}{}:
		default: // it will look anyhow
		}
	}
}

// statusEvery is how often systemctl status gets new figures, at most. Where nothing happens nothing is sent.
const statusEvery = 5 * time.Second

// reporter keeps the manager's status line up to date. It belongs to the supervisor's goroutine.
type reporter struct {
	timer *time.Timer
	last  time.Time
}

func newReporter(h *host) *reporter {
	r := &reporter{timer: time.NewTimer(0)}
	r.timer.Stop()
	if h.store.manager.There() {
		h.bustle.heard = make(chan struct{}, 1)
	}
	return r
}

// soon makes a report due when the last one is old enough.
func (r *reporter) soon() { r.timer.Reset(max(0, time.Until(r.last.Add(statusEvery)))) }

// report sends the figures of now.
func (r *reporter) report(h *host) {
	r.timer.Stop()
	r.last = time.Now()
	h.bustle.stirred.Store(false)
	h.tell(systemd.Status(h.standing()))
}

// standing says in one line how the daemon is.
func (h *host) standing() string {
	now := h.roster.Load()
	var accepted, refused uint64
	for _, svc := range now.services {
		t := svc.counted.Load()
		if t == nil {
			continue
		}
		accepted += t.accepted.Load() + t.datagrams.Load()
		for i := range t.refused {
			refused += t.refused[i].Load()
		}
	}
	missing := 0
	for _, n := range now.missing {
		missing += n
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d services on %d sockets; %d connections now, %d accepted, %d refused", len(now.services), len(now.listeners),
		h.starter.Running()+h.open.count(), accepted, refused)
	if missing > 0 {
		fmt.Fprintf(&b, "; %d sockets could not be opened yet", missing)
	}
	if h.history.read().Failing {
		b.WriteString("; the last reload failed, the configuration before it is in force")
	}
	return b.String()
}
