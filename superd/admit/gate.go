package admit

import (
	"net/netip"
	"sync"
	"time"

	"superd/superd/config"
)

// Gate is where the connections of one service are let in or not. It holds everything that the limits
// remember, and only that; make it with NewGate. All methods may be called from several goroutines.
type Gate struct {
	mu     sync.Mutex
	limits config.Limits
	access *access
	times  times

	epoch     time.Time // the first moment; instants count from it
	latest    instant
	cps       cps
	counts    counts
	suspended bool          // by an operator
	changed   chan struct{} // closed and forgotten at the next change; nil while nobody waits
}

// Moment is when the gate is asked, and what holds for the machine then.
type Moment struct {
	Now  time.Time // with a monotonic reading; its location gives the local time for access_times
	Load float64   // the one-minute load average; read only if Limits.MaxLoad is set
}

// Peer is who asks.
type Peer struct {
	Addr netip.Addr // not valid: unknown, as with stream/wait. Mapped addresses and zones are understood

	// Names are its host names, if NeedsNames wanted them: only forward-confirmed ones, in lower case,
	// without a final dot. None: it has no name, and no name rule matches it.
	Names []string
}

// Decision is the gate's answer to one connection.
type Decision struct {
	Verdict Verdict
	Policy  config.Policy // unless OK, what to do with this connection: Refuse, Reset or Queue
	Slot    Slot          // if OK: its place, to be released when it is over
	Wait    Wait          // if Policy is Queue: when to ask again
}

// Wait says when to ask again: after After, or when Changed is closed, whichever comes first.
// An After of 0 means that only a change can help. Changed was taken together with the answer, so no
// change between the answer and the waiting is missed, and it wakes everybody who waits: of several loops
// one gets the place that became free, the others are told to wait once more.
type Wait struct {
	After   time.Duration
	Changed <-chan struct{}
}

// Slot is the place of one admitted connection. It remembers the source it was counted under, so it
// stays good across Retune. The zero Slot is no place.
type Slot struct {
	taken  bool
	source netip.Prefix // not valid: the peer was unknown
}

// Counts are the gate's numbers at one moment.
type Counts struct {
	Running int // connections
	Sources int // sources they come from
	Held    int // sources held off
}

// NewGate makes a gate that nobody has passed, with a full bucket.
func NewGate(l config.Limits, a config.Access) *Gate {
	return &Gate{limits: l, access: newAccess(a), times: a.Times}
}

// Retune puts new limits and rules into force for the connections to come. Counts, bucket, holds and
// pause survive: they last as the new numbers say, and a policy no longer set lifts its own.
// With another PerSourcePrefix, sources are counted anew beside the connections that run;
// those go on counting as instances.
func (g *Gate) Retune(l config.Limits, a config.Access) {
	access := newAccess(a)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.limits, g.access, g.times = l, access, a.Times
	g.cps.retune(&g.limits)
	g.wakeLocked()
}

// NeedsNames reports whether the host names of addr could change the verdict about it.
// If so, whoever calls Admit must look them up first (and may refuse with Lookup if it cannot).
func (g *Gate) NeedsNames(addr netip.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.access.needsNames(addr.Unmap())
}

// Ready says whether the service should accept now. It may not while it is suspended or paused, and, under Queue,
// while it has no token or no place; then Wait says when to ask again. It reserves nothing.
func (g *Gate) Ready(m Moment) (Wait, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.suspended {
		return g.waitLocked(0), false
	}
	if after := g.cps.ready(&g.limits, g.instantLocked(m)); after > 0 {
		return g.waitLocked(after), false
	}
	if g.fullLocked() && g.onInstancesLocked() == config.Queue {
		return g.waitLocked(0), false
	}
	return Wait{}, true
}

// Admit decides about one connection. An OK takes a place and a token; everything else costs nothing.
// Exactly one Release must follow each OK.
func (g *Gate) Admit(p Peer, m Moment) Decision {
	g.mu.Lock()
	defer g.mu.Unlock()
	addr, now := p.Addr.Unmap(), g.instantLocked(m)
	source := g.sourceLocked(addr)
	if !g.access.admits(addr, p.Names) {
		return Decision{Verdict: Address}
	}
	if !g.times.open(m.Now) {
		return Decision{Verdict: Time}
	}
	if g.limits.MaxLoad > 0 && m.Load >= g.limits.MaxLoad {
		return Decision{Verdict: Load}
	}
	if v, policy, after := g.cps.check(&g.limits, source, now); v != OK {
		return g.denyLocked(v, policy, after)
	}
	if g.fullLocked() {
		return g.denyLocked(Instances, g.onInstancesLocked(), 0)
	}
	if g.crowdedLocked(source) {
		return g.denyLocked(PerSource, g.limits.OnPerSource, 0)
	}
	g.cps.take(&g.limits, now)
	g.counts.add(source)
	return Decision{Slot: Slot{taken: true, source: source}}
}

// Source is what counts as one source with addr: its prefix of the length that per_source_prefix says.
func (g *Gate) Source(addr netip.Addr) netip.Prefix {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.sourceLocked(addr.Unmap().WithZone(""))
}

// Barred says whether only_from, no_access or access_times keep p out, as Admit would; if not, OK. It reserves nothing.
func (g *Gate) Barred(p Peer, m Moment) Verdict {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case !g.access.admits(p.Addr.Unmap(), p.Names):
		return Address
	case !g.times.open(m.Now):
		return Time
	}
	return OK
}

// Release gives back the place of a connection that is over. It must be called once for each OK, and
// panics if it notices that it was called again. Releasing the zero Slot does nothing.
func (g *Gate) Release(s Slot) {
	if !s.taken {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.counts.remove(s.source)
	g.wakeLocked()
}

// Counts reports the gate's numbers. Holds that ended since the last connection came are still in Held.
func (g *Gate) Counts() Counts {
	g.mu.Lock()
	defer g.mu.Unlock()
	return Counts{g.counts.running, len(g.counts.sources), g.cps.holds.len()}
}

// Level is where a service stands with its rate limit at one moment.
type Level struct {
	Tokens int           // connections that cps lets in at once; -1: there is no rate limit
	Paused time.Duration // how much longer the whole service accepts nobody; 0: it accepts
}

// Level looks and changes nothing.
func (g *Gate) Level(m Moment) Level {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.cps.level(&g.limits, g.instantLocked(m))
}

// instantLocked never goes back: loops may come here in another order than they read the clock, and an
// instant before the first would see a full bucket as one that is not quite full.
func (g *Gate) instantLocked(m Moment) instant {
	if g.epoch.IsZero() {
		g.epoch = m.Now
	}
	g.latest = max(g.latest, m.Now.Sub(g.epoch))
	return g.latest
}

// sourceLocked is the prefix that counts as one source. It has no zone; it carries its length, so
// sources counted under different lengths never mix.
func (g *Gate) sourceLocked(addr netip.Addr) netip.Prefix {
	bits := g.limits.PerSourcePrefix[1]
	if addr.Is4() {
		bits = g.limits.PerSourcePrefix[0]
	}
	return netip.PrefixFrom(addr, bits).Masked()
}

func (g *Gate) fullLocked() bool {
	return g.limits.Instances >= 0 && g.counts.running >= g.limits.Instances
}

// onInstancesLocked is the policy of a full service. Where no instance is allowed no place will ever
// become free, so nobody is left waiting for one.
func (g *Gate) onInstancesLocked() config.Policy {
	if g.limits.Instances == 0 && g.limits.OnInstances == config.Queue {
		return config.Refuse
	}
	return g.limits.OnInstances
}

func (g *Gate) crowdedLocked(source netip.Prefix) bool {
	return source.IsValid() && g.limits.PerSource >= 0 && g.counts.sources[source] >= g.limits.PerSource
}

func (g *Gate) denyLocked(v Verdict, policy config.Policy, after time.Duration) Decision {
	d := Decision{Verdict: v, Policy: policy}
	if policy == config.Queue {
		d.Wait = g.waitLocked(after)
	}
	return d
}

func (g *Gate) waitLocked(after time.Duration) Wait {
	if g.changed == nil {
		g.changed = make(chan struct{})
	}
	return Wait{After: after, Changed: g.changed}
}

func (g *Gate) wakeLocked() {
	if g.changed != nil {
		close(g.changed)
		g.changed = nil
	}
}
