package admit

import (
	"net/netip"
	"testing"
	"time"

	"superd/superd/config"
)

func limited(rate int, hold time.Duration, on config.Policy) *config.Limits {
	return &config.Limits{CPS: config.CPS{Rate: rate, Hold: hold}, OnCPS: on}
}

// knock is one connection of source: it takes a token if it may.
func (c *cps) knock(l *config.Limits, source netip.Prefix, now instant) Verdict {
	v, _, _ := c.check(l, source, now)
	if v == OK {
		c.take(l, now)
	}
	return v
}

// drain takes every token there is.
func (c *cps) drain(l *config.Limits, now instant) {
	for c.bucket.wait(l.CPS.Rate, now) == 0 {
		c.take(l, now)
	}
}

func TestCPSOff(t *testing.T) {
	for _, on := range []config.Policy{config.Hold, config.Pause, config.Queue, config.Refuse, config.Reset} {
		var c cps
		l := limited(0, time.Second, on)
		for range 1000 {
			if v := c.knock(l, nth(1), 0); v != OK {
				t.Fatalf("%v: %v", on, v)
			}
		}
	}
}

// What a connection that finds the bucket empty gets, and what that means for its neighbours a moment
// later, when there is a token again.
func TestCPSPolicies(t *testing.T) {
	const hold = 10 * time.Second
	for _, tt := range []struct {
		on        config.Policy
		verdict   Verdict
		policy    config.Policy
		same      Verdict // the same source, after the next token came
		sameDoes  config.Policy
		other     Verdict // another source then
		otherDoes config.Policy
	}{
		{config.Hold, CPS, config.Refuse, Hold, config.Refuse, OK, 0},
		{config.Pause, CPS, config.Refuse, CPS, config.Queue, CPS, config.Queue},
		{config.Refuse, CPS, config.Refuse, OK, 0, OK, 0},
		{config.Reset, CPS, config.Reset, OK, 0, OK, 0},
		{config.Queue, CPS, config.Queue, OK, 0, OK, 0},
	} {
		var c cps
		l := limited(5, hold, tt.on)
		c.drain(l, 0)
		if v, p, _ := c.check(l, nth(1), 0); v != tt.verdict || p != tt.policy {
			t.Errorf("%v: empty bucket gives %v, %v", tt.on, v, p)
		}
		later := time.Second / 5
		if v, p, _ := c.check(l, nth(1), later); v != tt.same || p != tt.sameDoes {
			t.Errorf("%v: the same source then gets %v, %v", tt.on, v, p)
		}
		if v, p, _ := c.check(l, nth(2), later); v != tt.other || p != tt.otherDoes {
			t.Errorf("%v: another source then gets %v, %v", tt.on, v, p)
		}
		if v, _, _ := c.check(l, nth(1), hold); v != OK {
			t.Errorf("%v: not healed after the hold: %v", tt.on, v)
		}
	}
}

// The point of a hold: a flood from one source leaves the rate to everybody else.
func TestCPSHoldLeavesTheRateToOthers(t *testing.T) {
	var c cps
	l := limited(50, 10*time.Second, config.Hold)
	flood, served := nth(1), 0
	for ms := range 20_000 { // 1,000 a second from one, 10 a second from many
		now := time.Duration(ms) * time.Millisecond
		c.knock(l, flood, now)
		if ms%100 == 50 {
			if v := c.knock(l, nth(1000+ms), now); v == OK {
				served++
			}
		}
	}
	if served < 195 {
		t.Errorf("%d of 200 quiet clients were served", served)
	}
}

func TestCPSRetryDoesNotProlongAHold(t *testing.T) {
	var c cps
	l := limited(1, 10*time.Second, config.Hold)
	c.drain(l, 0)
	c.knock(l, nth(1), 0)
	for s := 1; s < 10; s++ {
		if v := c.knock(l, nth(1), time.Duration(s)*time.Second); v != Hold {
			t.Fatalf("after %d s: %v", s, v)
		}
	}
	if v := c.knock(l, nth(1), 10*time.Second); v != OK {
		t.Errorf("after the hold: %v", v)
	}
}

func TestCPSUnknownSourceIsNotHeld(t *testing.T) {
	var c cps
	l := limited(1, time.Minute, config.Hold)
	c.drain(l, 0)
	if v := c.knock(l, netip.Prefix{}, 0); v != CPS {
		t.Errorf("empty bucket gives %v", v)
	}
	if v := c.knock(l, netip.Prefix{}, time.Second); v != OK {
		t.Errorf("with a token again: %v", v)
	}
}

func TestCPSReady(t *testing.T) {
	for _, tt := range []struct {
		on   config.Policy
		want time.Duration
	}{
		{config.Hold, 0}, {config.Refuse, 0}, {config.Reset, 0},
		{config.Queue, 250 * time.Millisecond},
		{config.Pause, 10 * time.Second},
	} {
		var c cps
		l := limited(4, 10*time.Second, tt.on)
		if w := c.ready(l, 0); w != 0 {
			t.Errorf("%v: wait %v before anything came", tt.on, w)
		}
		c.drain(l, 0)
		c.check(l, nth(1), 0)
		if w := c.ready(l, 0); w != tt.want {
			t.Errorf("%v: wait %v, want %v", tt.on, w, tt.want)
		}
		if w := c.ready(l, tt.want); w != 0 {
			t.Errorf("%v: wait %v more after the wait", tt.on, w)
		}
	}
}

// Whoever was told how long to wait finds a token then.
func TestCPSQueueWaitIsEnough(t *testing.T) {
	for _, rate := range []int{1, 3, 7, 50, 1000} {
		var c cps
		var now instant
		l := limited(rate, 0, config.Queue)
		for range 3 * rate {
			v, policy, wait := c.check(l, nth(1), now)
			if v != OK {
				if policy != config.Queue || wait <= 0 {
					t.Fatalf("rate %d: %v, %v, wait %v", rate, v, policy, wait)
				}
				now += wait
			}
			if v := c.knock(l, nth(1), now); v != OK {
				t.Fatalf("rate %d: %v after the wait", rate, v)
			}
		}
		if now > 2*time.Second {
			t.Errorf("rate %d: the second and third burst took %v, want 2s", rate, now)
		}
	}
}

// Holds and pauses last as the numbers in force say, also those that began under others.
func TestCPSShorterHold(t *testing.T) {
	for _, on := range []config.Policy{config.Hold, config.Pause} {
		var c cps
		l := limited(1, time.Hour, on)
		c.drain(l, 0)
		c.knock(l, nth(1), 0)
		l.CPS.Hold = 10 * time.Second
		c.retune(l)
		if v := c.knock(l, nth(1), 9*time.Second); v == OK {
			t.Errorf("%v: lost by the reload", on)
		}
		if v := c.knock(l, nth(1), 10*time.Second); v != OK {
			t.Errorf("%v: %v after the shorter hold", on, v)
		}
	}
}

// A pause that was over does not begin again when a reload makes pauses longer.
func TestCPSLongerHold(t *testing.T) {
	var c cps
	l := limited(1, 10*time.Second, config.Pause)
	c.drain(l, 0)
	c.knock(l, nth(1), 0)
	c.ready(l, 10*time.Second)
	l.CPS.Hold = time.Hour
	c.retune(l)
	if w := c.ready(l, 11*time.Second); w != 0 {
		t.Errorf("paused again for %v", w)
	}
}

func TestCPSRetuneLiftsWhatIsNotInForce(t *testing.T) {
	for _, on := range []config.Policy{config.Hold, config.Pause} {
		for _, now := range []*config.Limits{limited(1, time.Hour, config.Refuse), limited(0, time.Hour, on)} {
			var c cps
			l := limited(1, time.Hour, on)
			c.drain(l, 0)
			c.knock(l, nth(1), 0)
			c.retune(now)
			c.retune(l) // and back: what was lifted stays lifted
			if v := c.knock(l, nth(1), time.Second); v != OK {
				t.Errorf("%v, then %v with rate %d: %v", on, now.OnCPS, now.CPS.Rate, v)
			}
		}
	}
}
