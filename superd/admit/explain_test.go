package admit

import (
	"net/netip"
	"testing"
	"time"

	"superd/superd/config"
)

// TestSuspend: a suspended service is not ready, whatever its limits, and whoever waits is woken when that ends.
func TestSuspend(t *testing.T) {
	g := NewGate(config.Limits{Instances: config.Unlimited, PerSource: config.Unlimited}, config.Access{})
	at := Moment{Now: time.Unix(1000, 0)}
	g.Suspend()
	wait, ok := g.Ready(at)
	if ok || wait.After != 0 || wait.Changed == nil || !g.Suspended() {
		t.Fatalf("%v %+v", ok, wait)
	}
	g.Retune(config.Limits{Instances: 5, PerSource: config.Unlimited}, config.Access{})
	if !g.Suspended() {
		t.Error("retuning has ended it")
	}
	wait, _ = g.Ready(at)
	g.Resume()
	select {
	case <-wait.Changed:
	default:
		t.Error("nobody is woken")
	}
	if _, ok := g.Ready(at); !ok || g.Suspended() {
		t.Error("it is not ready")
	}
}

// TestExplainSaysWhatIsLeft: the numbers behind a verdict, and that asking changes none of them.
func TestExplainSaysWhatIsLeft(t *testing.T) {
	l := config.Limits{Instances: 3, PerSource: 2, PerSourcePrefix: [2]int{24, 64}, CPS: config.CPS{Rate: 2, Hold: 10 * time.Second}, OnCPS: config.Hold}
	g := NewGate(l, config.Access{})
	at := Moment{Now: time.Unix(1000, 0)}
	p := Peer{Addr: netip.MustParseAddr("192.0.2.7")}
	for range 5 {
		if f := g.Explain(p, at, at.Now); f.Verdict != OK || f.Tokens != 2 || f.Running != 0 || f.FromSource != 0 {
			t.Fatalf("%+v", f)
		}
	}
	g.Admit(p, at)
	g.Admit(p, at)
	f := g.Explain(p, at, at.Now)
	if f.Verdict != CPS || f.Refill != 500*time.Millisecond || f.Running != 2 || f.FromSource != 2 || f.Source != netip.MustParsePrefix("192.0.2.0/24") {
		t.Errorf("%+v", f)
	}
	g.Admit(p, at) // trips the limit, and holds the source
	at.Now = at.Now.Add(4 * time.Second)
	if f := g.Explain(p, at, at.Now); f.Verdict != Hold || f.Held != 6*time.Second {
		t.Errorf("%+v", f)
	}
	other := Peer{Addr: netip.MustParseAddr("198.51.100.1")}
	if f := g.Explain(other, at, at.Now); f.Verdict != OK || f.Held != 0 || f.FromSource != 0 {
		t.Errorf("another source: %+v", f)
	}
	at.Now = at.Now.Add(7 * time.Second)
	if f := g.Explain(p, at, at.Now); f.Verdict != PerSource || f.Held != 0 {
		t.Errorf("%+v", f)
	}
}
