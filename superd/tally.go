package superd

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"superd/superd/admit"
	"superd/superd/socket"
	"superd/superd/spawn"
)

// tally is what has happened to one service's connections since the daemon began; it belongs to the service and so
// survives reloads. Every field may be read and written at any time, by anybody, without waiting and without allocating.
type tally struct {
	accepted  atomic.Uint64                 // admitted, and started: each has a START
	refused   [admit.Verdicts]atomic.Uint64 // by verdict, datagrams included, also those whose REFUSE is kept quiet
	datagrams atomic.Uint64                 // admitted by a dgram builtin, which has no connections

	starts    histogram // of startBounds: from the decision to start a program until it is known to run
	durations histogram // of durationBounds: from START to EXIT
	exits     exits

	in, out      atomic.Uint64 // bytes from and to peers, of connections that have ended and whose bytes are known
	user, system atomic.Int64  // nanoseconds of processor time of programs that have ended
	maxRSS       atomic.Int64  // bytes: the most that any of them had resident
}

// tally of a service that nobody has visited yet takes no memory.
func (s *service) tally() *tally {
	if t := s.counted.Load(); t != nil {
		return t
	}
	s.counted.CompareAndSwap(nil, new(tally))
	return s.counted.Load()
}

// exited counts the end of a program.
func (t *tally) exited(e spawn.Exit) {
	t.durations.observe(&durationBounds, e.Ended.Sub(e.Started))
	t.exits.add(exit{code: e.Code, signal: e.Signal})
	t.user.Add(int64(e.User))
	t.system.Add(int64(e.System))
	for old := t.maxRSS.Load(); e.MaxRSS > old && !t.maxRSS.CompareAndSwap(old, e.MaxRSS); {
		old = t.maxRSS.Load()
	}
}

// carried counts what a connection has carried.
func (t *tally) carried(b socket.Traffic) {
	t.in.Add(b.In)
	t.out.Add(b.Out)
}

// histogram counts durations by size. The zero value is empty; all its observations go by the same bounds.
type histogram struct {
	counts [histogramBounds + 1]atomic.Uint64 // each up to its bound and above the one before; the last is beyond all bounds
	sum    atomic.Int64                       // nanoseconds
}

const histogramBounds = 12

var (
	startBounds = [histogramBounds]time.Duration{
		500 * time.Microsecond, time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond,
		25 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, time.Second,
		5 * time.Second, 30 * time.Second,
	}
	durationBounds = [histogramBounds]time.Duration{
		10 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 500 * time.Millisecond, time.Second,
		5 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 24 * time.Hour,
	}
)

func (h *histogram) observe(bounds *[histogramBounds]time.Duration, d time.Duration) {
	i := 0
	for i < len(bounds) && d > bounds[i] {
		i++
	}
	h.counts[i].Add(1)
	h.sum.Add(int64(max(d, 0)))
}

// exit is how a program ended: with a code, or by a signal.
type exit struct {
	code   int // -1: reaped by somebody else
	signal syscall.Signal
}

// exits counts the ends of programs. A program chooses its exit status, so only the first exitKinds ways of one service
// are told apart; the rest are counted together. The zero value is empty. Safe for concurrent use.
type exits struct {
	mu    sync.Mutex
	kinds map[exit]uint64
	other uint64
}

const exitKinds = 16

func (x *exits) add(e exit) {
	if e.signal != 0 {
		e.code = 0
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.kinds == nil {
		x.kinds = map[exit]uint64{}
	}
	if _, known := x.kinds[e]; !known && len(x.kinds) == exitKinds {
		x.other++
		return
	}
	x.kinds[e]++
}

// exitCount is one line of a service's exits.
type exitCount struct {
	exit
	count uint64
}

// read lists the exits by code, then by signal, and how many more there were.
func (x *exits) read() (known []exitCount, other uint64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, e := range slices.SortedFunc(maps.Keys(x.kinds), func(a, b exit) int {
		return cmp.Or(cmp.Compare(a.signal, b.signal), cmp.Compare(a.code, b.code))
	}) {
		known = append(known, exitCount{e, x.kinds[e]})
	}
	return known, x.other
}
