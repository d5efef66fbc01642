package admit

import "time"

// instant is monotonic time since the gate's first moment.
type instant = time.Duration

// bucket is a token bucket of rate tokens a second and a burst of rate, kept as one number: the instant
// at which it will be full again. Each token taken moves that instant by 1/rate. The zero value is full.
// The rate comes with each call, so a changed rate keeps the share of the bucket that is filled.
type bucket struct{ full instant }

// wait says how long until there is a token; 0: there is one now.
func (b bucket) wait(rate int, now instant) time.Duration {
	cost := cost(rate)
	burst := cost * time.Duration(rate)
	return max(b.full-now+cost-burst, 0)
}

// tokens says how many whole tokens there are now.
func (b bucket) tokens(rate int, now instant) int {
	cost := cost(rate)
	if cost == 0 {
		return rate
	}
	return rate - min(rate, int((max(b.full-now, 0)+cost-1)/cost))
}

// take spends a token; the caller has seen that there is one.
func (b *bucket) take(rate int, now instant) {
	b.full = max(b.full, now) + cost(rate)
}

// cost is what one token takes to come back; beyond a token a nanosecond it is nothing, and the rate no limit.
func cost(rate int) time.Duration {
	return time.Second / time.Duration(rate)
}
