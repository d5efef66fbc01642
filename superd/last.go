package superd

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"time"

	"superd/superd/admit"
	"superd/superd/control"
)

// lastEvent is what happened last to a connection of a service: kept as numbers, since it is seldom read.
type lastEvent struct {
	mu      sync.Mutex
	at      time.Time // zero: nothing has
	name    string
	verdict admit.Verdict
	peer    netip.AddrPort
	code    int
	signal  syscall.Signal
}

func (e *lastEvent) note(name string, v admit.Verdict, peer netip.AddrPort, code int, signal syscall.Signal) {
	now := time.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.at, e.name, e.verdict, e.peer, e.code, e.signal = now, name, v, peer, code, signal
}

// shown is nil if nothing has happened yet.
func (e *lastEvent) shown() *control.Last {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.at.IsZero() {
		return nil
	}
	var words []string
	if e.verdict != admit.OK {
		words = append(words, e.verdict.String())
	}
	switch {
	case e.signal != 0:
		words = append(words, fmt.Sprintf("signal %d", e.signal))
	case e.name == "EXIT":
		words = append(words, fmt.Sprintf("status %d", e.code))
	}
	if e.peer.IsValid() {
		words = append(words, e.peer.Addr().Unmap().String())
	}
	return &control.Last{Time: e.at, Event: e.name, Summary: strings.Join(words, " ")}
}
