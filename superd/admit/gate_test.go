package admit

import (
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"superd/superd/config"
)

var start = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC) // a Friday

func after(d time.Duration) Moment { return Moment{Now: start.Add(d)} }

func peer(addr string) Peer {
	if addr == "" {
		return Peer{}
	}
	return Peer{Addr: netip.MustParseAddr(addr)}
}

// unlimited lets everybody in; tests change what they are about.
func unlimited(change func(*config.Limits)) config.Limits {
	l := config.Limits{
		Instances:       config.Unlimited,
		PerSource:       config.Unlimited,
		PerSourcePrefix: [2]int{32, 64},
		OnCPS:           config.Hold,
	}
	if change != nil {
		change(&l)
	}
	return l
}

// mustAdmit is Admit that has to say OK.
func mustAdmit(t *testing.T, g *Gate, addr string) Slot {
	t.Helper()
	d := g.Admit(peer(addr), after(0))
	if d.Verdict != OK {
		t.Fatalf("%q: %v", addr, d.Verdict)
	}
	return d.Slot
}

func wantVerdict(t *testing.T, d Decision, v Verdict, p config.Policy) {
	t.Helper()
	if d.Verdict != v || d.Policy != p {
		t.Fatalf("verdict %v, policy %v; want %v, %v", d.Verdict, d.Policy, v, p)
	}
}

// Everything refuses this peer; taking the reasons away one by one shows their order.
func TestOrder(t *testing.T) {
	l := unlimited(func(l *config.Limits) {
		l.Instances, l.PerSource, l.MaxLoad = 1, 1, 4
		l.CPS = config.CPS{Rate: 1, Hold: time.Hour}
	})
	closed := config.Access{Restricted: true, Times: []config.Window{{Days: everyDay}}}
	g := NewGate(l, config.Access{})
	mustAdmit(t, g, "192.0.2.1")
	busy := Moment{Now: start, Load: 4}
	steps := []struct {
		lift func()
		want Verdict
	}{
		{func() {}, Address},
		{func() { closed.Restricted = false }, Time},
		{func() { closed.Times = nil }, Load},
		{func() { busy.Load = 3.99 }, CPS},
		{func() {}, Hold}, // by the connection before
		{func() { l.CPS.Rate = 0 }, Instances},
		{func() { l.Instances = 2 }, PerSource},
		{func() { l.PerSource = 2 }, OK},
	}
	for _, s := range steps {
		s.lift()
		g.Retune(l, closed)
		if d := g.Admit(peer("192.0.2.1"), busy); d.Verdict != s.want {
			t.Fatalf("verdict %v, want %v", d.Verdict, s.want)
		}
	}
}

func TestRefusedIsNotCharged(t *testing.T) {
	full := unlimited(func(l *config.Limits) {
		l.CPS = config.CPS{Rate: 2, Hold: time.Hour}
		l.Instances, l.PerSource = 3, 1
	})
	g := NewGate(full, config.Access{NoAccess: rules("198.51.100.0/24")})
	first := mustAdmit(t, g, "192.0.2.1")
	for range 10 {
		wantVerdict(t, g.Admit(peer("192.0.2.1"), after(0)), PerSource, config.Refuse)
		wantVerdict(t, g.Admit(peer("198.51.100.1"), after(0)), Address, config.Refuse)
	}
	second := mustAdmit(t, g, "192.0.2.2") // the second token is still there
	g.Release(first)
	g.Release(second)
	if c := g.Counts(); c != (Counts{}) {
		t.Errorf("counts are %+v at the end", c)
	}
}

func TestRefusedByInstancesIsNotCharged(t *testing.T) {
	l := unlimited(func(l *config.Limits) {
		l.CPS = config.CPS{Rate: 2, Hold: time.Hour}
		l.Instances = 1
	})
	g := NewGate(l, config.Access{})
	s := mustAdmit(t, g, "192.0.2.1")
	for range 10 {
		wantVerdict(t, g.Admit(peer("192.0.2.2"), after(0)), Instances, config.Refuse)
	}
	g.Release(s)
	mustAdmit(t, g, "192.0.2.2")
}

func TestLoad(t *testing.T) {
	for _, tt := range []struct {
		limit, load float64
		want        Verdict
	}{{0, 100, OK}, {2.5, 2.49, OK}, {2.5, 2.5, Load}, {2.5, 3, Load}} {
		g := NewGate(unlimited(func(l *config.Limits) { l.MaxLoad = tt.limit }), config.Access{})
		if d := g.Admit(peer("::1"), Moment{Now: start, Load: tt.load}); d.Verdict != tt.want {
			t.Errorf("max_load %v at load %v: %v", tt.limit, tt.load, d.Verdict)
		}
	}
}

func TestTimeVerdictUsesTheMoment(t *testing.T) {
	g := NewGate(unlimited(nil), config.Access{Times: []config.Window{{Days: friday, From: clock(12, 0), To: clock(12, 59)}}})
	wantVerdict(t, g.Admit(peer("::1"), after(0)), OK, 0)
	wantVerdict(t, g.Admit(peer("::1"), after(time.Hour)), Time, config.Refuse)
}

func TestNames(t *testing.T) {
	g := NewGate(unlimited(nil), lists("10.0.0.0/8 .example.org", ""))
	if g.NeedsNames(netip.MustParseAddr("::ffff:10.1.2.3")) {
		t.Error("an address that is in needs names")
	}
	stranger := peer("192.0.2.1")
	if !g.NeedsNames(stranger.Addr) {
		t.Error("a stranger needs no names")
	}
	wantVerdict(t, g.Admit(stranger, after(0)), Address, config.Refuse)
	stranger.Names = []string{"host.example.org"}
	wantVerdict(t, g.Admit(stranger, after(0)), OK, 0)
}

func TestInstances(t *testing.T) {
	for _, policy := range []config.Policy{config.Refuse, config.Reset, config.Queue} {
		g := NewGate(unlimited(func(l *config.Limits) { l.Instances, l.OnInstances = 2, policy }), config.Access{})
		a := mustAdmit(t, g, "192.0.2.1")
		mustAdmit(t, g, "") // an unknown peer is an instance like any other
		wantVerdict(t, g.Admit(peer("192.0.2.3"), after(0)), Instances, policy)
		if _, ok := g.Ready(after(0)); ok == (policy == config.Queue) {
			t.Errorf("%v: ready is %v when full", policy, ok)
		}
		g.Release(a)
		if _, ok := g.Ready(after(0)); !ok {
			t.Errorf("%v: not ready with a place free", policy)
		}
		mustAdmit(t, g, "192.0.2.3")
	}
}

// Nobody may wait for a place that will never be.
func TestNoInstances(t *testing.T) {
	for _, policy := range []config.Policy{config.Refuse, config.Queue} {
		g := NewGate(unlimited(func(l *config.Limits) { l.Instances, l.OnInstances = 0, policy }), config.Access{})
		if _, ok := g.Ready(after(0)); !ok {
			t.Errorf("%v: not ready", policy)
		}
		wantVerdict(t, g.Admit(peer("::1"), after(0)), Instances, config.Refuse)
	}
}

func TestPerSource(t *testing.T) {
	for _, tt := range []struct {
		prefix [2]int
		a, b   string
		same   bool
	}{
		{[2]int{32, 64}, "192.0.2.1", "192.0.2.1", true},
		{[2]int{32, 64}, "192.0.2.1", "192.0.2.2", false},
		{[2]int{32, 64}, "192.0.2.1", "::ffff:192.0.2.1", true},
		{[2]int{24, 64}, "192.0.2.1", "192.0.2.2", true},
		{[2]int{24, 64}, "192.0.2.1", "192.0.3.1", false},
		{[2]int{32, 64}, "2001:db8::1", "2001:db8::2", true},
		{[2]int{32, 64}, "2001:db8::1", "2001:db8:0:1::1", false},
		{[2]int{32, 128}, "2001:db8::1", "2001:db8::2", false},
		{[2]int{32, 64}, "fe80::1%eth0", "fe80::2%eth1", true},
		{[2]int{32, 128}, "fe80::1%eth0", "fe80::1%eth1", true},
		{[2]int{0, 0}, "192.0.2.1", "203.0.113.1", true},
		{[2]int{0, 0}, "192.0.2.1", "2001:db8::1", false},
		{[2]int{32, 64}, "", "", false},
	} {
		for _, policy := range []config.Policy{config.Refuse, config.Reset} {
			g := NewGate(unlimited(func(l *config.Limits) {
				l.PerSource, l.OnPerSource, l.PerSourcePrefix = 1, policy, tt.prefix
			}), config.Access{})
			first := mustAdmit(t, g, tt.a)
			if !tt.same {
				mustAdmit(t, g, tt.b)
				continue
			}
			wantVerdict(t, g.Admit(peer(tt.b), after(0)), PerSource, policy)
			g.Release(first)
			mustAdmit(t, g, tt.b)
		}
	}
}

func TestPerSourceNone(t *testing.T) {
	g := NewGate(unlimited(func(l *config.Limits) { l.PerSource = 0 }), config.Access{})
	wantVerdict(t, g.Admit(peer("::1"), after(0)), PerSource, config.Refuse)
	mustAdmit(t, g, "")
}

func TestRetuneKeepsCounts(t *testing.T) {
	l := unlimited(nil)
	g := NewGate(l, config.Access{})
	a, b := mustAdmit(t, g, "192.0.2.1"), mustAdmit(t, g, "192.0.2.1")
	l.Instances, l.PerSource = 3, 2
	g.Retune(l, config.Access{})
	wantVerdict(t, g.Admit(peer("192.0.2.1"), after(0)), PerSource, config.Refuse)
	l.Instances = 1
	g.Retune(l, config.Access{})
	g.Release(a)
	wantVerdict(t, g.Admit(peer("192.0.2.2"), after(0)), Instances, config.Refuse)
	g.Release(b)
	mustAdmit(t, g, "192.0.2.2")
}

// A slot gives back what it took, whatever makes a source by then.
func TestRetunePrefix(t *testing.T) {
	l := unlimited(func(l *config.Limits) { l.PerSource, l.PerSourcePrefix = 1, [2]int{24, 64} })
	g := NewGate(l, config.Access{})
	wide := mustAdmit(t, g, "192.0.2.0") // under /24; the same base address as its /32
	l.PerSourcePrefix[0] = 32
	g.Retune(l, config.Access{})
	narrow := mustAdmit(t, g, "192.0.2.0")
	if c := g.Counts(); c.Running != 2 || c.Sources != 2 {
		t.Errorf("counts are %+v", c)
	}
	g.Release(wide)
	wantVerdict(t, g.Admit(peer("192.0.2.0"), after(0)), PerSource, config.Refuse)
	g.Release(narrow)
	if c := g.Counts(); c != (Counts{}) {
		t.Errorf("counts are %+v at the end", c)
	}
}

func TestRetuneKeepsBucketAndHolds(t *testing.T) {
	l := unlimited(func(l *config.Limits) { l.CPS = config.CPS{Rate: 1, Hold: 10 * time.Second} })
	g := NewGate(l, config.Access{})
	mustAdmit(t, g, "192.0.2.1")
	g.Retune(l, config.Access{})
	wantVerdict(t, g.Admit(peer("192.0.2.2"), after(0)), CPS, config.Refuse)
	g.Retune(l, config.Access{})
	wantVerdict(t, g.Admit(peer("192.0.2.2"), after(5*time.Second)), Hold, config.Refuse)
	if c := g.Counts(); c.Held != 1 {
		t.Errorf("counts are %+v", c)
	}
}

func TestRetuneLiftsHolds(t *testing.T) {
	l := unlimited(func(l *config.Limits) { l.CPS = config.CPS{Rate: 1, Hold: time.Hour} })
	g := NewGate(l, config.Access{})
	mustAdmit(t, g, "192.0.2.1")
	wantVerdict(t, g.Admit(peer("192.0.2.1"), after(0)), CPS, config.Refuse)
	for _, l.OnCPS = range []config.Policy{config.Refuse, config.Hold} {
		g.Retune(l, config.Access{})
	}
	wantVerdict(t, g.Admit(peer("192.0.2.1"), after(time.Second)), OK, 0)
}

func TestRetuneTakesNewRules(t *testing.T) {
	g := NewGate(unlimited(nil), config.Access{})
	mustAdmit(t, g, "192.0.2.1")
	shut := lists("", "")
	shut.Times = []config.Window{{}}
	g.Retune(unlimited(nil), shut)
	wantVerdict(t, g.Admit(peer("192.0.2.1"), after(0)), Address, config.Refuse)
	wantVerdict(t, g.Admit(peer(""), after(0)), Time, config.Refuse)
}

// A hold is of a source, in the sense of per_source_prefix.
func TestHoldIsOfTheSource(t *testing.T) {
	g := NewGate(unlimited(func(l *config.Limits) { l.CPS = config.CPS{Rate: 1, Hold: time.Minute} }), config.Access{})
	mustAdmit(t, g, "192.0.2.1")
	wantVerdict(t, g.Admit(peer("2001:db8::1"), after(0)), CPS, config.Refuse)
	wantVerdict(t, g.Admit(peer("2001:db8::2"), after(time.Second)), Hold, config.Refuse)
	wantVerdict(t, g.Admit(peer("2001:db8:0:1::1"), after(time.Second)), OK, 0)
}

// Loops that read the clock in one order and arrive in the other must not confuse the bucket.
func TestClockNeverGoesBack(t *testing.T) {
	g := NewGate(unlimited(func(l *config.Limits) { l.CPS, l.OnCPS = config.CPS{Rate: 1}, config.Refuse }), config.Access{})
	g.Ready(after(0))
	wantVerdict(t, g.Admit(peer("::1"), after(-time.Microsecond)), OK, 0) // the bucket is full
	g.Ready(after(time.Second))
	wantVerdict(t, g.Admit(peer("::1"), after(time.Second-time.Microsecond)), OK, 0)
	wantVerdict(t, g.Admit(peer("::1"), after(time.Second)), CPS, config.Refuse)
}

func TestReleaseOfNoSlot(t *testing.T) {
	g := NewGate(unlimited(nil), config.Access{})
	mustAdmit(t, g, "")
	g.Release(Slot{})
	if c := g.Counts(); c.Running != 1 {
		t.Errorf("counts are %+v", c)
	}
}

func TestReleaseTwicePanics(t *testing.T) {
	g := NewGate(unlimited(nil), config.Access{})
	s := mustAdmit(t, g, "::1")
	g.Release(s)
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
		mustAdmit(t, g, "::1") // and the gate is not left locked
	}()
	g.Release(s)
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestWait(t *testing.T) {
	l := unlimited(func(l *config.Limits) { l.Instances, l.OnInstances = 1, config.Queue })
	g := NewGate(l, config.Access{})
	s := mustAdmit(t, g, "::1")
	ready, ok := g.Ready(after(0))
	queued := g.Admit(peer("::1"), after(0))
	wantVerdict(t, queued, Instances, config.Queue)
	if ok || ready.After != 0 || queued.Wait.After != 0 || closed(ready.Changed) || closed(queued.Wait.Changed) {
		t.Fatal("a full service is not waited for")
	}
	g.Release(s)
	if !closed(ready.Changed) || !closed(queued.Wait.Changed) {
		t.Error("the release did not wake everybody")
	}
	mustAdmit(t, g, "::1")
	again := g.Admit(peer("::1"), after(0))
	if closed(again.Wait.Changed) {
		t.Error("an old change wakes a new waiter")
	}
	g.Retune(l, config.Access{})
	if !closed(again.Wait.Changed) {
		t.Error("the new limits did not wake the waiter")
	}
}

func TestWaitForCPS(t *testing.T) {
	l := unlimited(func(l *config.Limits) { l.CPS, l.OnCPS = config.CPS{Rate: 2}, config.Queue })
	g := NewGate(l, config.Access{})
	mustAdmit(t, g, "::1")
	mustAdmit(t, g, "::1")
	d := g.Admit(peer("::1"), after(0))
	wantVerdict(t, d, CPS, config.Queue)
	if w, ok := g.Ready(after(0)); ok || w.After != time.Second/2 || d.Wait.After != w.After {
		t.Fatalf("ready says %v, %v; admit says %v", w.After, ok, d.Wait.After)
	}
	wantVerdict(t, g.Admit(peer("::1"), after(d.Wait.After)), OK, 0)
	l.OnCPS = config.Pause
	g.Retune(l, config.Access{})
	if !closed(d.Wait.Changed) {
		t.Error("the new policy did not wake the waiter")
	}
}

// Several loops share one gate under queue: nobody is refused, no limit is passed, and no wake-up is lost
// (a lost one would leave this test hanging).
func TestQueueWithSeveralLoops(t *testing.T) {
	const loops, connections, instances = 8, 500, 2
	g := NewGate(unlimited(func(l *config.Limits) { l.Instances, l.OnInstances = instances, config.Queue }), config.Access{})
	var wg sync.WaitGroup
	for range loops {
		wg.Go(func() {
			for range connections {
				for w, ok := g.Ready(after(0)); !ok; w, ok = g.Ready(after(0)) {
					<-w.Changed
				}
				d := g.Admit(peer("::1"), after(0))
				for d.Policy == config.Queue {
					<-d.Wait.Changed
					d = g.Admit(peer("::1"), after(0))
				}
				if d.Verdict != OK {
					t.Errorf("verdict %v", d.Verdict)
					return
				}
				if n := g.Counts().Running; n > instances {
					t.Errorf("%d running", n)
				}
				wg.Go(func() { runtime.Gosched(); g.Release(d.Slot) })
			}
		})
	}
	wg.Wait()
	if c := g.Counts(); c != (Counts{}) {
		t.Errorf("counts are %+v at the end", c)
	}
}

// All methods at once; for the race detector.
func TestConcurrentUse(t *testing.T) {
	l := unlimited(func(l *config.Limits) { l.CPS = config.CPS{Rate: 1000, Hold: time.Millisecond} })
	g := NewGate(l, config.Access{})
	var wg sync.WaitGroup
	for i := range 4 {
		addr := "192.0.2." + strings.Repeat("1", i%3+1)
		wg.Go(func() {
			for n := range 500 {
				m := after(time.Duration(n) * time.Millisecond)
				g.Ready(m)
				g.NeedsNames(peer(addr).Addr)
				g.Release(g.Admit(peer(addr), m).Slot)
				g.Retune(l, lists("-", ".example.org"))
				g.Counts()
			}
		})
	}
	wg.Wait()
	if c := g.Counts(); c.Running != 0 || c.Sources != 0 {
		t.Errorf("counts are %+v at the end", c)
	}
}
