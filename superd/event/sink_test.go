package event

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"superd/superd/config"
)

// record is a writer that tests can wait for.
type record struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	more chan struct{}
}

func newRecord() *record { return &record{more: make(chan struct{}, 1)} }

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.buf.Write(p)
	select {
	case r.more <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.String()
}

// waitFor waits until the record contains text, and returns the line it is in.
func (r *record) waitFor(t *testing.T, text string) string {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		for line := range strings.Lines(r.String()) {
			if strings.Contains(line, text) {
				return line
			}
		}
		select {
		case <-r.more:
		case <-deadline:
			t.Fatalf("no %q in %q", text, r.String())
		}
	}
}

func newTestHub(t *testing.T) (*Hub, *record) {
	stderr := newRecord()
	h := NewHub(stderr)
	t.Cleanup(func() { h.Close(20 * time.Second) })
	return h, stderr
}

func open(t *testing.T, h *Hub, target config.LogTarget) *Sink {
	t.Helper()
	s, err := h.Open(target)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// together writes events such that the sink's writer finds all of them at once.
func together(s *Sink, n int, e Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range n {
		s.appendTo(&s.pending, &e)
	}
	s.signal()
}

// tally counts the events of a log: those of one name, and those that LOST says are missing.
func tally(t *testing.T, log, name string) (found, missing int) {
	t.Helper()
	for line := range strings.Lines(log) {
		fields := strings.Fields(line)
		switch {
		case len(fields) < 3 || !strings.HasSuffix(line, "\n"):
			t.Errorf("a broken line: %q", line)
		case fields[2] == name:
			found++
		case fields[2] == "LOST":
			n, err := strconv.Atoi(strings.TrimPrefix(fields[3], "count="))
			if err != nil {
				t.Errorf("%q: %v", line, err)
			}
			missing += n
		}
	}
	return
}

func TestSinksAreShared(t *testing.T) {
	h, stderr := newTestHub(t)
	plain := config.LogTarget{Kind: config.Stderr}
	a, b := open(t, h, plain), open(t, h, plain)
	c := open(t, h, config.LogTarget{Kind: config.Stderr, Format: config.JSONFormat})
	if a != b || a == c {
		t.Error("equal targets must share a sink, others must not")
	}
	a.Release()
	b.Write(Ready(1, 2))
	c.Write(Ready(1, 3))
	c.Release()
	stderr.waitFor(t, fmt.Sprintf("Z superd[%d] READY services=1 sockets=2\n", os.Getpid()))
	stderr.waitFor(t, `"event":"READY","services":1,"sockets":3}`)
	c.Write(Ready(1, 4)) // released: dropped, and no panic
	if d := open(t, h, config.LogTarget{Kind: config.Stderr, Format: config.JSONFormat}); d == c {
		t.Error("a released sink was given out again")
	}
	b.Write(Event{})
	b.Write(Stopped())
	stderr.waitFor(t, "STOPPED")
	if n := strings.Count(stderr.String(), "\n"); n != 3 {
		t.Errorf("%d lines, want 3: %s", n, stderr)
	}
}

func TestCloseWritesWhatIsPending(t *testing.T) {
	stderr := newRecord()
	h := NewHub(stderr)
	s := open(t, h, config.LogTarget{})
	for range 1000 {
		s.Start(config.LogPID, sampleStart())
	}
	s.Exit(config.LogExit, Exit{Start: sampleStart()})
	s.Refuse(config.LogAttempt, Refuse{Service: "ftp", Verdict: "time"})
	h.Close(20 * time.Second)
	if n, missing := tally(t, stderr.String(), "START"); n != 1000 || missing != 0 {
		t.Errorf("%d events, %d lost", n, missing)
	}
	if !strings.HasSuffix(stderr.String(), "REFUSE service=ftp conn=0 verdict=time\n") {
		t.Error("the last event is missing")
	}
	s.Write(Stopped())
	s.Release()
	h.Close(time.Second) // again, for nothing
}

// A pipe that nobody reads must cost the daemon nothing but events, and those are counted.
func TestStalledWriter(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	h := NewHub(w)
	s := open(t, h, config.LogTarget{})
	const events = 4 * batchEvents
	start := sampleStart()
	var slowest time.Duration
	for range events {
		before := time.Now()
		s.Start(allFlags, start)
		slowest = max(slowest, time.Since(before))
	}
	if slowest > 2*time.Second {
		t.Errorf("an event took %v", slowest)
	}
	before := time.Now()
	h.Close(50 * time.Millisecond)
	if d := time.Since(before); d > 10*time.Second {
		t.Errorf("Close took %v", d)
	}
	out := make(chan string)
	go func() {
		b, _ := io.ReadAll(r)
		out <- string(b)
	}()
	h.writers.Wait()
	w.Close()
	found, missing := tally(t, <-out, "START")
	if missing == 0 || found+missing != events {
		t.Errorf("%d written and %d said to be lost, of %d", found, missing, events)
	}
}

func TestDeviceThatIsFull(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	h := NewHub(full)
	s := open(t, h, config.LogTarget{})
	for range 100 {
		s.Write(Ready(1, 1))
	}
	h.Close(20 * time.Second)
	if s.unsaid != 100 || !s.failing {
		t.Errorf("%d counted as lost, want 100", s.unsaid)
	}
}

func TestUnderSystemd(t *testing.T) {
	f, err := os.Create(t.TempDir() + "/stderr")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	dev, ino := identity(t, f)
	for variable, want := range map[string]string{
		fmt.Sprintf("%d:%d", dev, ino):   "<6>READY services=1 sockets=1\n<4>WARNING reason=x\n",
		fmt.Sprintf("%d:%d", dev, ino+1): fmt.Sprintf("superd[%d] READY services=1 sockets=1\n", os.Getpid()),
		"nonsense":                       fmt.Sprintf("superd[%d] READY services=1 sockets=1\n", os.Getpid()),
	} {
		t.Setenv("JOURNAL_STREAM", variable)
		if err := f.Truncate(0); err != nil {
			t.Fatal(err)
		}
		f.Seek(0, io.SeekStart)
		h := NewHub(f)
		s := open(t, h, config.LogTarget{})
		s.Write(Ready(1, 1))
		s.Write(Warn("", "x"))
		h.Close(20 * time.Second)
		if got, _ := os.ReadFile(f.Name()); !strings.Contains(string(got), want) {
			t.Errorf("JOURNAL_STREAM=%s: got %q, want %q", variable, got, want)
		}
	}
}

func TestUnknownWords(t *testing.T) {
	h, _ := newTestHub(t)
	for _, target := range []config.LogTarget{
		{Kind: config.Syslog, Facility: "local8"},
		{Kind: config.Syslog, Level: "loud"},
		{Kind: config.Journal, Level: "loud"},
		{Kind: config.File, Path: t.TempDir() + "/not/there"},
	} {
		if _, err := h.Open(target); err == nil {
			t.Errorf("%+v was opened", target)
		}
	}
}

func TestWriteAllocatesNothing(t *testing.T) {
	h := NewHub(io.Discard)
	defer h.Close(20 * time.Second)
	s := open(t, h, config.LogTarget{})
	start := sampleStart()
	exited := Exit{Start: start, Duration: time.Second}
	cycle := func() {
		s.Start(allFlags, start)
		s.Exit(allFlags, exited)
		s.Write(Ready(1, 1))
	}
	for range 1000 {
		cycle()
	}
	if n := testing.AllocsPerRun(1000, cycle); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkStart(b *testing.B) {
	h := NewHub(io.Discard)
	defer h.Close(20 * time.Second)
	s, err := h.Open(config.LogTarget{})
	if err != nil {
		b.Fatal(err)
	}
	start := sampleStart()
	b.ReportAllocs()
	for b.Loop() {
		s.Start(allFlags, start)
	}
}
