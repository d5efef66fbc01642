package admit

import (
	"net/netip"
	"time"

	"superd/superd/config"
)

// Findings is what each question of the gate finds about a peer, those too that Admit would no longer ask.
type Findings struct {
	Verdict Verdict       // what Admit would answer
	Policy  config.Policy // and what would be done with the connection, unless OK

	Address bool // only_from and no_access let it in
	Open    bool // access_times do
	Load    bool // the load does

	Rate      int           // of cps; 0: no limit
	Tokens    int           // that are left
	Refill    time.Duration // until there is one, when there is none
	Held      time.Duration // how much longer the source is held off
	Paused    time.Duration // how much longer the service is, by its cps
	Suspended bool          // the service accepts nobody until Resume

	Running, Instances    int          // connections, and their limit; -1: none
	Source                netip.Prefix // that the peer counts as
	FromSource, PerSource int          // connections of it, and their limit; -1: none
}

// Explain says what Admit would decide about p and why, and changes nothing. The access times are asked about at, all else is
// as of m.
func (g *Gate) Explain(p Peer, m Moment, at time.Time) Findings {
	g.mu.Lock()
	defer g.mu.Unlock()
	addr, now := p.Addr.Unmap(), g.instantLocked(m)
	l := &g.limits
	f := Findings{
		Address: g.access.admits(addr, p.Names), Open: g.times.open(at), Load: l.MaxLoad <= 0 || m.Load < l.MaxLoad,
		Rate: l.CPS.Rate, Suspended: g.suspended,
		Running: g.counts.running, Instances: l.Instances,
		Source: g.sourceLocked(addr), PerSource: l.PerSource,
	}
	f.FromSource = g.counts.sources[f.Source]
	if f.Rate > 0 {
		level := g.cps.level(l, now)
		f.Tokens, f.Paused = level.Tokens, level.Paused
		f.Refill = g.cps.bucket.wait(f.Rate, now)
		if l.OnCPS == config.Hold {
			f.Held = g.cps.holds.left(f.Source, now, l.CPS.Hold)
		}
	}
	f.Verdict, f.Policy = g.judgeLocked(&f)
	return f
}

// judgeLocked asks in the order of Admit.
func (g *Gate) judgeLocked(f *Findings) (Verdict, config.Policy) {
	switch {
	case !f.Address:
		return Address, config.Refuse
	case !f.Open:
		return Time, config.Refuse
	case !f.Load:
		return Load, config.Refuse
	case f.Paused > 0:
		return CPS, config.Queue
	case f.Held > 0:
		return Hold, config.Refuse
	case f.Rate > 0 && f.Refill > 0:
		return CPS, cpsPolicy(g.limits.OnCPS)
	case g.fullLocked():
		return Instances, g.onInstancesLocked()
	case g.crowdedLocked(f.Source):
		return PerSource, g.limits.OnPerSource
	}
	return OK, 0
}

// cpsPolicy is what happens to a connection that finds no token.
func cpsPolicy(p config.Policy) config.Policy {
	if p == config.Queue || p == config.Reset {
		return p
	}
	return config.Refuse
}

// left is how much longer source is held, of holds that last for duration.
func (h *holds) left(source netip.Prefix, now instant, duration time.Duration) time.Duration {
	if _, held := h.sources[source]; !held {
		return 0
	}
	for _, held := range h.queue[h.head:] {
		if held.source == source {
			return max(held.since+duration-now, 0)
		}
	}
	return 0
}

// Ruling is the rule that decides about an address.
type Ruling struct {
	Denies bool
	Found  bool // false: no rule matches, and Denies follows from there being an only_from or not
	Index  int  // in Access.NoAccess if it denies, else in Access.OnlyFrom
}

// Judge finds the rule by which a gate with these rules lets addr in or not. It looks at each of them, so it is for people
// who wait for an answer and not for connections.
func Judge(a config.Access, addr netip.Addr, names []string) Ruling {
	addr = addr.Unmap().WithZone("")
	best, found := match{rankNothing, a.Restricted}, Ruling{Denies: a.Restricted}
	consider := func(rules []config.Rule, deny bool) {
		for i, r := range rules {
			m := match{ruleRank(r, addr, names), deny}
			if m.rank > rankNothing && best.or(m) == m && (best != m || !found.Found) {
				best, found = m, Ruling{Denies: deny, Found: true, Index: i}
			}
		}
	}
	consider(a.OnlyFrom, false)
	consider(a.NoAccess, true)
	return found
}

// ruleRank is how specifically r matches, rankNothing if it does not.
func ruleRank(r config.Rule, addr netip.Addr, names []string) rank {
	if r.Prefix.IsValid() {
		if r.Prefix.Contains(addr) {
			return prefixRank(r.Prefix)
		}
		return rankNothing
	}
	for _, name := range names {
		if name == r.Name || r.Name[0] == '.' && len(name) > len(r.Name) && name[len(name)-len(r.Name):] == r.Name {
			return nameRank(r.Name)
		}
	}
	return rankNothing
}

// Source is where connections come from, and how many run.
type Source struct {
	Prefix  netip.Prefix
	Running int
}

// Sources are those that have connections now, in no order.
func (g *Gate) Sources() []Source {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := make([]Source, 0, len(g.counts.sources))
	for p, n := range g.counts.sources {
		all = append(all, Source{p, n})
	}
	return all
}

// Suspend makes Ready say no until Resume. What has been accepted already is decided about as ever.
func (g *Gate) Suspend() { g.suspend(true) }

// Resume ends Suspend.
func (g *Gate) Resume() { g.suspend(false) }

// Suspended reports whether Suspend is in force.
func (g *Gate) Suspended() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.suspended
}

func (g *Gate) suspend(on bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.suspended = on
	g.wakeLocked()
}
