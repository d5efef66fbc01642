package superd

import (
	"net/netip"
	"sync"
	"time"

	"superd/superd/admit"
)

// A source of refused datagrams is logged once in quietTime for each reason, or a flood would write the log full.
const (
	quietTime  = time.Minute
	quietLimit = 1024
)

// quiet remembers what was logged of late. The zero value is ready. Safe for concurrent use.
type quiet struct {
	mu   sync.Mutex
	said map[refusal]time.Time
}

type refusal struct {
	from    netip.Addr
	verdict admit.Verdict
}

// first reports whether r should be logged now, and notes that it is. It forgets early rather than grow beyond quietLimit.
func (q *quiet) first(r refusal, now time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if at, ok := q.said[r]; ok && now.Sub(at) < quietTime {
		return false
	}
	if q.said == nil || len(q.said) >= quietLimit {
		q.said = make(map[refusal]time.Time)
	}
	q.said[r] = now
	return true
}
