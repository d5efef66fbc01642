package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// outcome is what a load met with.
type outcome struct {
	Done      int             // answered in full, and as it should be
	Failed    map[string]int  // lost, cut short or wrong: how many, by reason
	Elapsed   time.Duration   // from the first request to the last answer
	Latencies []time.Duration // of those that are done, sorted
}

func (o *outcome) done(latency time.Duration) {
	o.Done++
	o.Latencies = append(o.Latencies, latency)
}

func (o *outcome) fail(reason string) {
	if o.Failed == nil {
		o.Failed = map[string]int{}
	}
	o.Failed[reason]++
}

func (o *outcome) failures() (n int) {
	for _, count := range o.Failed {
		n += count
	}
	return n
}

// trouble says what failed, "3 of 800 failed: 2 × reset, 1 × no answer in 5s"; "" if nothing did.
func (o *outcome) trouble() string {
	if len(o.Failed) == 0 {
		return ""
	}
	var reasons []string
	for _, reason := range slices.Sorted(maps.Keys(o.Failed)) {
		reasons = append(reasons, fmt.Sprintf("%d × %s", o.Failed[reason], reason))
	}
	return fmt.Sprintf("%d of %d failed: %s", o.failures(), o.Done+o.failures(), strings.Join(reasons, ", "))
}

// add puts the figures that every load has into a sample.
func (o *outcome) add(to sample, per string) {
	to[per] = float64(o.Done) / o.Elapsed.Seconds()
	if o.Done > 0 {
		to[p50] = milliseconds(percentile(o.Latencies, 50))
		to[p99] = milliseconds(percentile(o.Latencies, 99))
	}
	to[failed] = float64(o.failures())
}
