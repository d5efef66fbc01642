package main

import (
	"math"
	"slices"
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{[]float64{3}, 3},
		{[]float64{9, 1, 5}, 5},
		{[]float64{4, 1, 3, 2}, 2.5},
	} {
		before := slices.Clone(c.values)
		if got := median(c.values); got != c.want {
			t.Errorf("median(%v) = %v, want %v", c.values, got, c.want)
		}
		if !slices.Equal(c.values, before) {
			t.Errorf("median reordered %v", before)
		}
	}
	if got := median(nil); !math.IsNaN(got) {
		t.Errorf("median of nothing is %v", got)
	}
}

func TestPercentile(t *testing.T) {
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(i + 1)
	}
	for _, c := range []struct {
		sorted []time.Duration
		p      float64
		want   time.Duration
	}{
		{hundred, 50, 50},
		{hundred, 99, 99},
		{hundred, 99.5, 100},
		{hundred, 0, 1},
		{hundred, 100, 100},
		{hundred[:1], 99, 1},
		{hundred[:3], 50, 2},
		{nil, 99, 0},
	} {
		if got := percentile(c.sorted, c.p); got != c.want {
			t.Errorf("percentile(%d values, %v) = %d, want %d", len(c.sorted), c.p, got, c.want)
		}
	}
}

func TestRatios(t *testing.T) {
	got := ratios([]float64{10, 20, 30, math.NaN(), 5}, []float64{5, 0, 10, 3})
	if want := []float64{2, 3}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v: rounds with nothing to divide, or by, are left out", got, want)
	}
	s, ok := spreadOf(got)
	if want := (spread{2.5, 2, 3}); !ok || s != want {
		t.Errorf("%v %v, want %v", s, ok, want)
	}
	if _, ok := spreadOf(nil); ok {
		t.Error("a spread of nothing")
	}
}
