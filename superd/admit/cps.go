package admit

import (
	"net/netip"
	"time"

	"superd/superd/config"
)

// cps is what the connection rate limit remembers: the bucket, and what its policies imposed.
// The numbers come with each call, so a reload changes them and nothing else. The zero value has a full bucket.
type cps struct {
	bucket bucket
	holds  holds // policy Hold

	paused   bool // policy Pause
	pausedAt instant
}

// check says whether a connection of source may go on to take a token; it takes none. For an answer other
// than OK it says what to do with the connection and, for Queue, how long to wait.
//
// A connection that comes while its source is held does not prolong the hold. Otherwise a client that
// retries by itself (a health check, a mailer), or one busy host behind a NAT, would keep its source out
// for ever, and every limit must heal by itself; to let it try once per hold costs the others little.
func (c *cps) check(l *config.Limits, source netip.Prefix, now instant) (Verdict, config.Policy, time.Duration) {
	if l.CPS.Rate <= 0 {
		return OK, 0, 0
	}
	if wait := c.ready(l, now); wait > 0 {
		// Accepted while another loop took the last token or began a pause: it waits as in the backlog.
		return CPS, config.Queue, wait
	}
	if l.OnCPS == config.Hold && c.holds.has(source, now-l.CPS.Hold) {
		return Hold, config.Refuse, 0
	}
	if c.bucket.wait(l.CPS.Rate, now) == 0 {
		return OK, 0, 0
	}
	return CPS, c.trip(l, source, now), 0
}

// trip imposes what the policy wants beyond this connection, and says what to do with the connection.
func (c *cps) trip(l *config.Limits, source netip.Prefix, now instant) config.Policy {
	switch l.OnCPS {
	case config.Reset:
		return config.Reset
	case config.Pause:
		c.paused, c.pausedAt = true, now
	case config.Hold:
		if source.IsValid() { // an unknown peer has no source to hold
			c.holds.add(source, now)
		}
	}
	return config.Refuse
}

// ready says how long the whole service should not accept; 0: it may.
func (c *cps) ready(l *config.Limits, now instant) time.Duration {
	switch {
	case l.CPS.Rate <= 0:
		return 0
	case l.OnCPS == config.Queue:
		return c.bucket.wait(l.CPS.Rate, now)
	case c.paused: // by this policy: retune sees to that
		left := max(c.pausedAt+l.CPS.Hold-now, 0)
		c.paused = left > 0
		return left
	}
	return 0
}

// level says how many tokens there are, and how long a pause still lasts.
func (c *cps) level(l *config.Limits, now instant) Level {
	if l.CPS.Rate <= 0 {
		return Level{Tokens: -1}
	}
	level := Level{Tokens: c.bucket.tokens(l.CPS.Rate, now)}
	if c.paused {
		level.Paused = max(c.pausedAt+l.CPS.Hold-now, 0)
	}
	return level
}

// take spends the token that check found.
func (c *cps) take(l *config.Limits, now instant) {
	if l.CPS.Rate > 0 {
		c.bucket.take(l.CPS.Rate, now)
	}
}

// retune lifts what a policy imposed that is no longer in force.
func (c *cps) retune(l *config.Limits) {
	on := l.CPS.Rate > 0
	if !on || l.OnCPS != config.Hold {
		c.holds = holds{}
	}
	c.paused = c.paused && on && l.OnCPS == config.Pause
}
