package superd

import "time"

// backoff doubles a waiting time from first to limit. Its zero value does not work; both bounds must be set.
type backoff struct {
	first, limit time.Duration
	wait         time.Duration // 0: calm
}

// next is how long to wait now, twice as long as the last time.
func (b *backoff) next() time.Duration {
	b.wait = min(max(b.first, 2*b.wait), b.limit)
	return b.wait
}

// reset ends a run of failures and reports whether there was one.
func (b *backoff) reset() bool {
	failing := b.wait > 0
	b.wait = 0
	return failing
}
