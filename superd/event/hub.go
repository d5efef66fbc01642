package event

import (
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"superd/superd/config"
)

// Hub opens sinks and shares them: one for each distinct target. Its methods may be called concurrently.
type Hub struct {
	stderr  io.Writer
	stdout  io.Writer
	journal bool // stderr leads to journald

	key        [32]byte // of the hashes of addresses
	background bool     // nobody reads stderr

	syslogPath, journalPath string // but for tests, always the well-known sockets

	mu       sync.Mutex
	sinks    map[config.LogTarget]*Sink
	daemon   *Sink // takes the hub's own events; nil: the fallback
	fallback *Sink // stderr
	writers  sync.WaitGroup
}

// NewHub makes a hub whose sinks of kind Stderr write to stderr, one of them being there from the start.
// stderr stays the caller's.
func NewHub(stderr io.Writer) *Hub {
	h := &Hub{
		stderr:      &serialized{w: stderr},
		stdout:      &serialized{w: os.Stdout},
		journal:     isJournalStream(stderr, os.Getenv("JOURNAL_STREAM")),
		syslogPath:  syslogSocket,
		journalPath: journalSocket,
		sinks:       map[config.LogTarget]*Sink{},
	}
	_, _ = rand.Read(h.key[:]) // never fails
	h.mu.Lock()                // the sink may have trouble to report before h.fallback is set
	defer h.mu.Unlock()
	h.fallback, _ = h.openLocked(config.LogTarget{Kind: config.Stderr}) // nothing to fail there
	return h
}

// StderrToSyslog makes sinks of kind Stderr that are opened from now on write to syslog, facility daemon: there is nobody to read
// the stderr of a daemon in the background. Call it before the first Open.
func (h *Hub) StderrToSyslog() { h.background = true }

// Open returns the sink of a target, the same one for equal targets; each Open needs one Release. Only a file that
// cannot be opened, or a word that syslog does not know, is an error: syslogd and journald may come later.
func (h *Hub) Open(t config.LogTarget) (*Sink, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.background && t.Kind == config.Stderr {
		t = config.LogTarget{Kind: config.Syslog, Facility: "daemon", Level: "info", Format: t.Format, Redact: t.Redact}
	}
	return h.openLocked(t)
}

func (h *Hub) openLocked(t config.LogTarget) (*Sink, error) {
	if s := h.sinks[t]; s != nil {
		s.users++
		return s, nil
	}
	s := &Sink{
		hub: h, target: t, users: 1, now: time.Now,
		wake: make(chan struct{}, 1),
	}
	if err := h.prepare(s); err != nil {
		return nil, fmt.Errorf("log %s: %w", describe(t), err)
	}
	h.sinks[t] = s
	h.writers.Go(s.run)
	return s, nil
}

// prepare gives the sink its format and output.
func (h *Hub) prepare(s *Sink) (err error) {
	t := s.target
	s.format = format{pid: os.Getpid(), head: headStamp}
	s.format.redact = redactor{how: t.Redact, key: &h.key}
	switch t.Format {
	case config.JSONFormat:
		s.format.layout, s.format.head = layoutJSON, headNone
	case config.XinetdFormat:
		s.format.layout, s.format.head = layoutXinetd, headXinetd
	}
	if s.format.severity, err = severity(t.Level); err != nil {
		return err
	}
	switch t.Kind {
	case config.Syslog:
		s.format.head = headSyslog
		s.format.facility, err = facility(t.Facility)
		s.out = &socket{path: h.syslogPath, lines: true}
	case config.Journal:
		s.format.layout = layoutJournal
		s.out = &socket{path: h.journalPath}
	case config.File:
		s.out, err = h.openFile(s)
	default:
		if h.journal {
			s.format.head = headPriority
		}
		s.out = &stream{h.stderr}
	}
	return err
}

func (h *Hub) openFile(s *Sink) (output, error) {
	switch s.target.Path {
	case "/dev/stderr":
		return &stream{h.stderr}, nil
	case "/dev/stdout":
		return &stream{h.stdout}, nil
	}
	return openFile(s.target, func(size, limit int64) {
		h.report(s, logLargeEvent(describe(s.target), size, limit))
	})
}

func (h *Hub) release(s *Sink) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.users--; s.users > 0 {
		return
	}
	if h.sinks[s.target] == s {
		delete(h.sinks, s.target)
	}
	s.ask(&s.closed)
}

// ReportTo makes s, a sink that is open, the daemon's log: the hub writes there what becomes of the other logs.
// Before, after ReportTo(nil), and for trouble with s itself, that goes to stderr.
func (h *Hub) ReportTo(s *Sink) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.daemon = s
}

// report writes an event about a sink to another one.
func (h *Hub) report(about *Sink, e Event) {
	h.mu.Lock()
	to := h.daemon
	if to == nil || to == about {
		to = h.fallback
	}
	h.mu.Unlock()
	if to != about {
		to.Write(e)
	}
}

// Reopen opens files anew, as after a rotation, and connects again to syslogd and journald. It does not wait for that.
// A file that cannot be opened is gone on with, and reported.
func (h *Hub) Reopen() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.sinks {
		s.ask(&s.reopen)
	}
}

// Close ends every sink and waits until what they hold is written, or timeout is over. A sink that hangs is left behind,
// with what it has not written. The hub is not used afterwards.
func (h *Hub) Close(timeout time.Duration) {
	h.mu.Lock()
	for t, s := range h.sinks {
		delete(h.sinks, t)
		s.ask(&s.closed)
	}
	h.mu.Unlock()
	written := make(chan struct{})
	go func() {
		h.writers.Wait()
		close(written)
	}()
	select {
	case <-written:
	case <-time.After(timeout):
	}
}

// describe is the target as log_type has it.
func describe(t config.LogTarget) string {
	switch t.Kind {
	case config.Syslog:
		return "SYSLOG " + t.Facility
	case config.File:
		return "FILE " + t.Path
	case config.Journal:
		return "JOURNAL"
	}
	return "STDERR"
}
