package e2e

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"time"
)

// logbook collects what a daemon writes to stderr and lets tests wait for a line of it.
type logbook struct {
	mu    sync.Mutex
	lines []string
	more  chan struct{} // closed, and replaced, when a line arrives
	ended bool          // stderr is closed: nothing more will come
}

func newLogbook() *logbook {
	return &logbook{more: make(chan struct{})}
}

// collect reads r to its end.
func (b *logbook) collect(r io.Reader) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		b.add(lines.Text(), false)
	}
	b.add("", true)
}

func (b *logbook) add(line string, end bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if end {
		b.ended = true
	} else {
		b.lines = append(b.lines, line)
	}
	close(b.more)
	b.more = make(chan struct{})
}

// mark is the place after the last line so far.
func (b *logbook) mark() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.lines)
}

// wait returns the first line from the place start on that matches, and the place after it.
func (b *logbook) wait(start int, pattern *regexp.Regexp, patience time.Duration) (string, int, error) {
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		b.mu.Lock()
		for ; start < len(b.lines); start++ {
			if pattern.MatchString(b.lines[start]) {
				defer b.mu.Unlock()
				return b.lines[start], start + 1, nil
			}
		}
		more, ended := b.more, b.ended
		b.mu.Unlock()
		if ended {
			return "", start, fmt.Errorf("the log ended without a line like %s", pattern)
		}
		select {
		case <-more:
		case <-deadline.C:
			return "", start, fmt.Errorf("no line like %s within %v", pattern, patience)
		}
	}
}

// matching returns the lines from the place start on that match.
func (b *logbook) matching(start int, pattern *regexp.Regexp) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []string
	for _, line := range b.lines[start:] {
		if pattern.MatchString(line) {
			found = append(found, line)
		}
	}
	return found
}

// String is the whole log, or, of a very long one, its two ends.
func (b *logbook) String() string {
	const ends = 200
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.lines) <= 2*ends {
		return strings.Join(b.lines, "\n")
	}
	left := fmt.Sprintf("[%d lines left out]", len(b.lines)-2*ends)
	return strings.Join(b.lines[:ends], "\n") + "\n" + left + "\n" + strings.Join(b.lines[len(b.lines)-ends:], "\n")
}
