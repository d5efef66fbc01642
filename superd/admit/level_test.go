package admit

import (
	"testing"
	"time"

	"superd/superd/config"
)

func TestLevel(t *testing.T) {
	g := NewGate(unlimited(func(l *config.Limits) {
		l.CPS, l.OnCPS = config.CPS{Rate: 3, Hold: 10 * time.Second}, config.Pause
	}), config.Access{})
	for _, step := range []struct {
		at    time.Duration
		admit int
		want  Level
	}{
		{0, 0, Level{Tokens: 3}},
		{0, 1, Level{Tokens: 2}},
		{0, 2, Level{Tokens: 0}},
		{333 * time.Millisecond, 0, Level{Tokens: 0}},
		{334 * time.Millisecond, 0, Level{Tokens: 1}},
		{334 * time.Millisecond, 2, Level{Tokens: 0, Paused: 10 * time.Second}},
		{5334 * time.Millisecond, 0, Level{Tokens: 3, Paused: 5 * time.Second}},
		{time.Minute, 0, Level{Tokens: 3}},
	} {
		for range step.admit {
			g.Admit(peer("192.0.2.1"), after(step.at))
		}
		if got := g.Level(after(step.at)); got != step.want {
			t.Errorf("after %v: %+v, want %+v", step.at, got, step.want)
		}
	}
	if got := NewGate(unlimited(nil), config.Access{}).Level(after(0)); got != (Level{Tokens: -1}) {
		t.Errorf("without a rate: %+v", got)
	}
}

// tokens is how often wait says 0.
func TestTokensAgreesWithWait(t *testing.T) {
	for _, rate := range []int{1, 2, 3, 7, 50, 1000, 1_000_000} {
		for _, used := range []int{0, 1, rate / 2, rate} {
			for _, now := range []instant{0, 1, time.Millisecond, 300 * time.Millisecond, time.Second} {
				var b bucket
				for range used {
					b.take(rate, 0)
				}
				want := 0
				for c := b; want < 100 && c.wait(rate, now) == 0; want++ {
					c.take(rate, now)
				}
				if got := b.tokens(rate, now); min(got, 100) != want {
					t.Errorf("rate %d, %d used, after %v: %d tokens, but %d are given", rate, used, now, got, want)
				}
			}
		}
	}
}
