package main

import (
	"net/netip"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

const (
	quietP99  = "quiet p99 ms"
	slower    = "p99 ÷ quiet"
	denials   = "denied/s"
	forkRate  = "forks/denied"
	cpuDenied = "CPU s/1000 denied"
)

// deniedFlood measures what the polite feel of a flood that is not let in.
func (b *bench) deniedFlood(t *table) error {
	const polite, pace = 4, 20 * time.Millisecond
	t.Metrics = []metric{{perSecond, 0}, {p50, 2}, {quietP99, 2}, {p99, 2}, {slower, 2}, {denials, 0}, {forkRate, 3}, {cpuDenied, 3}, {peak, 1}, {failed, 0}}
	t.Compare = denials
	denied := netip.AddrFrom4([4]byte{127, 0, 0, 66})
	count := b.countOr(400)
	politely := func(s *server) (outcome, error) {
		l := b.tcpLoad(s, polite, count)
		l.Pace = pace
		return l.run()
	}
	flooded := func(s *server, r sample) (outcome, error) {
		quiet, err := politely(s)
		if err != nil || quiet.Done == 0 {
			return quiet, err
		}
		forked, err := forks()
		if err != nil {
			return quiet, err
		}
		before, err := usageOf(s.Pid)
		if err != nil {
			return quiet, err
		}
		flood := b.flood(s, denied)
		o, err := politely(s)
		f := flood()
		if err != nil || f.err != nil {
			return o, first(err, f.err)
		}
		after, err := usageOf(s.Pid)
		if err != nil {
			return o, err
		}
		now, err := forks()
		if err != nil {
			return o, err
		}
		s.refused += f.Done
		if o.Done > 0 && f.Done > 0 {
			r[quietP99] = milliseconds(percentile(quiet.Latencies, 99))
			r[slower] = milliseconds(percentile(o.Latencies, 99)) / r[quietP99]
			r[denials] = float64(f.Done) / f.Elapsed.Seconds()
			r[forkRate] = max(0, float64(now-forked-int64(o.Done))) / float64(f.Done)
			r[cpuDenied] = (after.Self - before.Self).Seconds() * 1000 / float64(f.Done)
		}
		// Both phases count as served, and nothing that failed in either is forgotten.
		s.served += quiet.Done
		for reason, n := range quiet.Failed {
			for range n {
				o.fail(reason)
			}
		}
		for reason, n := range f.Failed {
			for range n {
				o.fail("flood: " + reason)
			}
		}
		return o, nil
	}
	j := job{Program: b.shop.Program, Deny: denied.String()}
	return b.run(t, b.entries(j, t), plan{Warm: b.streams(warmUp), Work: flooded})
}

// flooding is what a flood has met with.
type flooding struct {
	outcome
	err error
}

// flood has a denied address connect as fast as it can, 4 at a time, until end is called. Its thread is a nice one: in
// reality a flood does not take its processor time from the machine it is for.
func (b *bench) flood(s *server, from netip.Addr) (end func() flooding) {
	stop, done := make(chan struct{}), make(chan flooding, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine, since it is nice
		_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), 10)
		l := tcpLoad{To: s.Addr, From: []netip.Addr{from}, Clients: 4, Count: 1 << 30, Limit: time.Minute, Stop: stop, Check: checkNothing, Refused: true}
		o, err := l.run()
		done <- flooding{o, err}
	}()
	return func() flooding {
		close(stop)
		return <-done
	}
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

const (
	rss        = "RSS MB"
	perSource  = "bytes/source"
	perVerdict = "ns/decision"
	allocated  = "allocs/decision"
	gateSize   = "gate KB"
)

// perSourceFlood: the rate is exceeded at once, so that nearly each source is held off, and the gate has to remember it.
// Each round comes from a /16 of its own; memory that grows with the rounds would not be bounded.
func (b *bench) perSourceFlood(t *table) error {
	t.Metrics = []metric{{perSecond, 0}, {p50, 2}, {p99, 2}, {cpuSelf, 3}, {rss, 1}, {perSource, 0}, {perVerdict, 0}, {allocated, 0}, {gateSize, 0}, {peak, 1}, {failed, 0}}
	count, round := b.countOr(1<<16), 0
	var base int64 // RSS before the first flood
	flood := func(s *server, r sample) (outcome, error) {
		if round == 0 {
			u, err := usageOf(s.Pid)
			if err != nil {
				return outcome{}, err
			}
			base = u.RSS
		}
		round++
		from := make([]netip.Addr, 1<<16)
		for i := range from {
			from[i] = netip.AddrFrom4([4]byte{127, byte(round), byte(i >> 8), byte(i)})
		}
		l := tcpLoad{To: s.Addr, From: from, Clients: b.clients, Count: count, Limit: max(b.limit, 30*time.Second), Largest: 100, Refused: true,
			Check: func(reply []byte) string {
				if len(reply) == 0 {
					return ""
				}
				return checkDaytime(reply)
			}}
		o, err := l.run()
		if err != nil {
			return o, err
		}
		u, err := usageOf(s.Pid)
		if err != nil {
			return o, err
		}
		r[rss] = float64(u.RSS) / megabyte
		r[perSource] = float64(u.RSS-base) / float64(min(o.Done, len(from)))
		s.logs = false // most are refused, and the log says why
		return o, nil
	}
	entries := b.entries(job{Builtin: "daytime", Rate: 1}, &table{})
	if err := b.run(t, only(entries, superdName), plan{Work: flood}); err != nil {
		return err
	}
	if len(t.Rows) > 0 {
		t.note("bytes/source is what RSS has grown by since before the first round, by the sources of a round, logging included")
		for i, r := range t.Rows[0].Rounds {
			t.note("RSS after round %d: %.1f MB", i+1, r[rss])
		}
	}
	return b.benchmarkGate(t)
}

// only keeps the entries of one contender.
func only(entries []entry, name string) []entry {
	for _, e := range entries {
		if e.Name == name {
			return []entry{e}
		}
	}
	return nil
}
