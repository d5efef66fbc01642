package admit

import (
	"net/netip"
	"testing"
	"time"
)

// nth is the n-th source below 10.0.0.0/8.
func nth(n int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}), 32)
}

func TestHoldsExpire(t *testing.T) {
	var h holds
	h.add(nth(1), 1*time.Second)
	h.add(nth(2), 3*time.Second)
	if !h.has(nth(1), 0) || !h.has(nth(2), 0) || h.has(nth(3), 0) {
		t.Error("not exactly the added sources are held")
	}
	if h.has(nth(1), 1*time.Second) {
		t.Error("held beyond the horizon")
	}
	if !h.has(nth(2), 1*time.Second) || h.len() != 1 {
		t.Error("the younger hold went with the older")
	}
	if h.has(nth(2), 3*time.Second) || h.len() != 0 || h.queue != nil || h.sources != nil {
		t.Error("something is left of the last hold")
	}
}

func TestHoldsEvictTheOldest(t *testing.T) {
	var h holds
	for n := range maxHolds + 10 {
		h.add(nth(n), instant(n+1))
	}
	if h.len() != maxHolds {
		t.Errorf("%d held, want %d", h.len(), maxHolds)
	}
	if h.has(nth(9), 0) || !h.has(nth(10), 0) || !h.has(nth(maxHolds+9), 0) {
		t.Error("not the oldest were evicted")
	}
}

func TestHoldsMemory(t *testing.T) {
	var h holds
	for n := range 100 * maxHolds {
		h.add(nth(n), instant(n+1))
		if live := len(h.queue) - h.head; live != h.len() {
			t.Fatalf("queue has %d, set has %d", live, h.len())
		}
	}
	if c := cap(h.queue); c > 4*maxHolds {
		t.Errorf("queue grew to %d", c)
	}
}
