package superd

import (
	"errors"
	"sync"
	"syscall"
	"testing"
	"time"

	"superd/superd/admit"
	"superd/superd/spawn"
)

func TestTallyIsMadeOnce(t *testing.T) {
	var svc service
	var got [8]*tally
	var all sync.WaitGroup
	for i := range got {
		all.Go(func() {
			got[i] = svc.tally()
			got[i].refused[admit.CPS].Add(1)
		})
	}
	all.Wait()
	for _, g := range got {
		if g != got[0] {
			t.Fatal("a service counts in two places")
		}
	}
	if n := svc.tally().refused[admit.CPS].Load(); n != 8 {
		t.Errorf("%d of 8 are counted", n)
	}
}

func TestTallyCountsWithoutAllocating(t *testing.T) {
	var svc service
	e := spawn.Exit{Code: 1, MaxRSS: 5, Ended: time.Now()}
	svc.tally().exited(e)
	if n := testing.AllocsPerRun(100, func() {
		svc.tally().accepted.Add(1)
		svc.tally().starts.observe(&startBounds, time.Millisecond)
		svc.tally().exited(e)
	}); n > 0 {
		t.Errorf("%v allocations a connection", n)
	}
}

func TestTallyExited(t *testing.T) {
	var c tally
	began := time.Now()
	for _, rss := range []int64{3, 7, 5} {
		c.exited(spawn.Exit{Started: began, Ended: began.Add(time.Second), User: 2, System: 3, MaxRSS: rss})
	}
	if c.user.Load() != 6 || c.system.Load() != 9 || c.maxRSS.Load() != 7 {
		t.Errorf("user %d, system %d, most memory %d", c.user.Load(), c.system.Load(), c.maxRSS.Load())
	}
	if n := c.durations.counts[4].Load(); n != 3 {
		t.Errorf("%d of 3 lasted a second", n)
	}
}

func TestHistogram(t *testing.T) {
	for _, test := range []struct {
		d    time.Duration
		at   int
		adds time.Duration
	}{
		{-time.Second, 0, 0}, {0, 0, 0}, {startBounds[0], 0, startBounds[0]}, {startBounds[0] + 1, 1, startBounds[0] + 1},
		{startBounds[11], 11, startBounds[11]}, {time.Hour, 12, time.Hour},
	} {
		var h histogram
		h.observe(&startBounds, test.d)
		if h.counts[test.at].Load() != 1 || time.Duration(h.sum.Load()) != test.adds {
			t.Errorf("%v is not counted at %d: %v", test.d, test.at, &h.counts)
		}
	}
	for _, bounds := range []*[histogramBounds]time.Duration{&startBounds, &durationBounds} {
		for i := range bounds[1:] {
			if bounds[i] >= bounds[i+1] {
				t.Errorf("%v does not rise", bounds)
			}
		}
	}
}

func TestExitsAreBounded(t *testing.T) {
	var x exits
	x.add(exit{code: -1, signal: syscall.SIGKILL})
	x.add(exit{code: 137, signal: syscall.SIGKILL})
	for code := range 256 {
		x.add(exit{code: code})
		x.add(exit{code: code})
	}
	known, other := x.read()
	if len(known) != exitKinds || other != 2*(256-(exitKinds-1)) {
		t.Errorf("%d ways to end are told apart, %d are not: %v", len(known), other, known)
	}
	if last := known[exitKinds-1]; last.signal != syscall.SIGKILL || last.code != 0 || last.count != 2 {
		t.Errorf("the killed ones are %+v", last)
	}
	if first := known[0]; first != (exitCount{exit{}, 2}) {
		t.Errorf("the first is %+v", first)
	}
}

func TestHistory(t *testing.T) {
	var h history
	h.begin()
	h.attempt()
	h.failed(errors.New("why"))
	if r := h.read(); r.Generation != 1 || r.Failed != 1 || !r.Failing || r.FailureError != "why" || r.LastFailure.IsZero() || r.Took < 0 || r.Took > time.Minute {
		t.Errorf("after a failure: %+v", r)
	}
	h.attempt()
	h.reloaded()
	if r := h.read(); r.Generation != 2 || r.Succeeded != 1 || r.Failing || r.Since.Before(r.Began) || r.Took < 0 || r.Took > time.Minute {
		t.Errorf("after a success: %+v", r)
	}
}
