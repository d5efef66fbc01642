package admit

import (
	"testing"
	"time"
)

// spend takes tokens until there is none, and says how many there were.
func spend(b *bucket, rate int, now instant) (n int) {
	for b.wait(rate, now) == 0 {
		b.take(rate, now)
		n++
	}
	return n
}

func TestBucketBurst(t *testing.T) {
	for _, rate := range []int{1, 2, 3, 7, 50, 999, 70_000} {
		var b bucket
		if n := spend(&b, rate, 0); n != rate {
			t.Errorf("rate %d: a burst of %d", rate, n)
		}
		// An hour of silence saves no more than one burst.
		if n := spend(&b, rate, time.Hour); n != rate {
			t.Errorf("rate %d: a second burst of %d", rate, n)
		}
	}
}

func TestBucketRefill(t *testing.T) {
	var b bucket
	const rate = 50
	spend(&b, rate, 0)
	if got, want := b.wait(rate, 0), 20*time.Millisecond; got != want {
		t.Errorf("wait on the empty bucket is %v, want %v", got, want)
	}
	if got, want := b.wait(rate, 15*time.Millisecond), 5*time.Millisecond; got != want {
		t.Errorf("wait after 15ms is %v, want %v", got, want)
	}
	if n := spend(&b, rate, 20*time.Millisecond); n != 1 {
		t.Errorf("%d tokens after the wait, want 1", n)
	}
	if n := spend(&b, rate, 20*time.Millisecond+time.Second/2); n != rate/2 {
		t.Errorf("%d tokens after half a second, want %d", n, rate/2)
	}
}

// A changed rate keeps the share of the bucket that is filled.
func TestBucketRateChange(t *testing.T) {
	var b bucket
	for range 25 {
		b.take(50, 0)
	}
	if n := spend(&b, 10, 0); n != 5 {
		t.Errorf("half a bucket of 50 is %d of 10, want 5", n)
	}
}

// Rates beyond the clock's resolution must not divide to nothing.
func TestBucketHugeRate(t *testing.T) {
	var b bucket
	const rate = int(^uint(0) >> 1)
	b.take(rate, 0)
	if w := b.wait(rate, 0); w != 0 {
		t.Errorf("wait is %v", w)
	}
}
