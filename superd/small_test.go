package superd

import (
	"net/netip"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"superd/superd/admit"
	"superd/superd/config"
)

func TestBackoff(t *testing.T) {
	b := backoff{first: time.Second, limit: 5 * time.Second}
	for _, want := range []time.Duration{1, 2, 4, 5, 5} {
		if got := b.next(); got != want*time.Second {
			t.Errorf("next is %v, not %v s", got, want)
		}
	}
	if !b.reset() || b.reset() {
		t.Error("reset does not tell whether there was trouble")
	}
	if got := b.next(); got != time.Second {
		t.Errorf("after reset next is %v", got)
	}
}

func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := make(chan syscall.Signal, 2)
		var d deadline
		d.set(time.Minute, time.Second, func(s syscall.Signal) { sent <- s })
		began := time.Now() // by the bubble's clock
		if s := <-sent; s != syscall.SIGTERM || time.Since(began) != time.Minute {
			t.Errorf("after %v it sent %v", time.Since(began), s)
		}
		if s := <-sent; s != syscall.SIGKILL || time.Since(began) != time.Minute+time.Second {
			t.Errorf("after %v it sent %v", time.Since(began), s)
		}
	})
}

func TestDeadlineCleared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, after := range []time.Duration{0, time.Second, time.Minute} {
			var d deadline
			sent := make(chan syscall.Signal, 2)
			d.set(time.Minute, time.Minute, func(s syscall.Signal) { sent <- s })
			time.Sleep(after) // the bubble's clock, not ours
			synctest.Wait()
			before := len(sent)
			d.clear()
			time.Sleep(time.Hour)
			if len(sent) != before {
				t.Errorf("cleared after %v, it went on to send", after)
			}
		}
		var never deadline
		never.clear()
	})
}

func TestQuiet(t *testing.T) {
	var q quiet
	now := time.Now()
	r := refusal{netip.MustParseAddr("192.0.2.1"), admit.Address}
	if !q.first(r, now) || q.first(r, now.Add(quietTime-1)) || !q.first(r, now.Add(quietTime)) {
		t.Error("a refusal is not said exactly once in quietTime")
	}
	if other := (refusal{r.from, admit.CPS}); !q.first(other, now) {
		t.Error("another reason is kept quiet")
	}
	for range 3 * quietLimit {
		r.from = r.from.Next()
		q.first(r, now)
	}
	if len(q.said) > quietLimit {
		t.Errorf("it remembers %d refusals", len(q.said))
	}
}

func TestMode(t *testing.T) {
	for _, test := range []struct {
		service config.Service
		want    mode
	}{
		{config.Service{}, acceptProgram},
		{config.Service{Wait: true}, waitProgram},
		{config.Service{Builtin: "echo"}, acceptBuiltin},
		{config.Service{SocketType: config.Dgram}, sessionDgram},
		{config.Service{Redirect: &config.Redirect{}}, acceptBuiltin},
		{config.Service{Redirect: &config.Redirect{}, SocketType: config.Dgram}, relayDgram},
		{config.Service{SocketType: config.Dgram, Wait: true}, waitProgram},
		{config.Service{SocketType: config.Dgram, Builtin: "echo"}, answerDgram},
	} {
		set := settings{Service: &test.service}
		if got := set.mode(); got != test.want {
			t.Errorf("%+v has mode %d, not %d", test.service, got, test.want)
		}
	}
}

func TestTook(t *testing.T) {
	a := pending{peer: netip.MustParseAddrPort("192.0.2.1:7"), length: 3, head: []byte("abc")}
	b := a
	b.head = []byte("abd")
	for _, test := range []struct {
		name          string
		before, after pending
		socket        config.SocketType
		want          bool
	}{
		{"the same datagram", a, a, config.Dgram, false},
		{"another datagram of the same peer", a, b, config.Dgram, true},
		{"fewer connections", pending{length: 2}, pending{length: 1}, config.Stream, true},
		{"as many connections", pending{length: 2}, pending{length: 2}, config.Stream, false},
	} {
		if got := took(test.before, test.after, test.socket); got != test.want {
			t.Errorf("%s: took is %v", test.name, got)
		}
	}
}
