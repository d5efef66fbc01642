package main

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// median is the middle value, or the mean of the two middle ones; NaN if there are none. It leaves values alone.
func median(values []float64) float64 {
	n := len(values)
	if n == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// percentile is the smallest value of sorted that at least p per cent are not above; 0 if there are none.
func percentile[T cmp.Ordered](sorted []T, p float64) (value T) {
	if len(sorted) == 0 {
		return value
	}
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// spread is a median with the smallest and the largest of its values.
type spread struct{ Median, Min, Max float64 }

func spreadOf(values []float64) (spread, bool) {
	if len(values) == 0 {
		return spread{}, false
	}
	return spread{median(values), slices.Min(values), slices.Max(values)}, true
}

// ratios divides round by round, as far as both sides have them, and leaves out rounds in which either has nothing to say.
func ratios(over, under []float64) []float64 {
	var quotients []float64
	for i := range min(len(over), len(under)) {
		if q := over[i] / under[i]; over[i] > 0 && under[i] > 0 && !math.IsInf(q, 0) && !math.IsNaN(q) {
			quotients = append(quotients, q)
		}
	}
	return quotients
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
