package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// work loads a server once and says what it met with. It may add figures of its own to the round's sample.
type work func(s *server, r sample) (outcome, error)

// plan is how a scenario goes.
type plan struct {
	Warm  work // before the first round of each server; nil: nothing
	Work  work // each round
	Fresh bool // each round has a server of its own, started for it
}

// run has every entry do the same work in turn, A B C A B C …, and adds a row for each.
func (b *bench) run(t *table, entries []entry, p plan) error {
	defer b.progress("")
	servers := make([]*server, len(entries))
	defer func() {
		for _, s := range servers {
			if s != nil {
				s.stop()
			}
		}
	}()
	for i := range entries {
		t.row(entries[i].name()) // in this order, whoever fails to start
	}
	for round := range b.rounds {
		for i := range entries {
			b.progress("%s: round %d of %d, %s", t.Scenario, round+1, b.rounds, entries[i].name())
			if round == 0 || p.Fresh {
				if err := b.replace(t, &entries[i], &servers[i], p); err != nil {
					return err
				}
			}
			if servers[i] == nil {
				continue
			}
			if err := b.measure(t, servers[i], p.Work); err != nil {
				return err
			}
			if p.Fresh {
				b.end(t, servers[i])
			}
		}
	}
	for _, s := range servers {
		if s != nil {
			b.end(t, s)
		}
	}
	return nil
}

// replace starts an entry; *s stays nil if that does not work.
func (b *bench) replace(t *table, e *entry, s **server, p plan) error {
	*s = nil
	started, err := b.launch(t, e)
	if err != nil {
		b.problem("%s: %v", t.Scenario, err)
		return nil
	}
	*s = started
	if p.Warm == nil {
		return nil
	}
	o, err := p.Warm(started, sample{})
	started.served += o.Done
	return err
}

// end stops a server and looks whether it has logged what it did.
func (b *bench) end(t *table, s *server) {
	if s.stopped {
		return
	}
	s.stop()
	if err := s.checkLog(); err != nil {
		b.problem("%s: %s: %v", t.Scenario, s.Name, err)
	}
}

// checkLog holds superd to its events: a START and an EXIT for each connection that was served, a REFUSE for each that was not.
func (s *server) checkLog() error {
	if !s.logs || s.job.Dgram {
		return nil
	}
	text, err := os.ReadFile(filepath.Join(s.Dir, "connections.log"))
	if err != nil {
		return err
	}
	starts, exits, refusals := bytes.Count(text, []byte(" START ")), bytes.Count(text, []byte(" EXIT ")), bytes.Count(text, []byte(" REFUSE "))
	if lost := bytes.Count(text, []byte(" LOST ")); starts != s.served || exits != s.served || refusals != s.refused || lost > 0 {
		return fmt.Errorf("%d connections served and %d refused, but the log has %d START, %d EXIT, %d REFUSE and %d LOST",
			s.served, s.refused, starts, exits, refusals, lost)
	}
	return nil
}

// progress is a line that the next one replaces; only a terminal gets it.
func (b *bench) progress(format string, values ...any) {
	if b.terminal {
		fmt.Fprintf(b.out, "\r\x1b[K"+format, values...)
	}
}

// errDead is a server's that has ended by itself.
var errDead = errors.New("it has ended by itself")

// measure is one round of one server.
func (b *bench) measure(t *table, s *server, w work) error {
	before, err := usageOf(s.Pid)
	if err != nil {
		b.problem("%s: %s: %v", t.Scenario, s.Name, err)
		return nil
	}
	r := sample{started: s.Start.Seconds()}
	o, err := w(s, r)
	s.served += o.Done
	if trouble := o.trouble(); trouble != "" {
		b.problem("%s: %s: %s", t.Scenario, s.Name, trouble)
	}
	if err == nil && s.over() {
		err = errDead
	}
	var after usage
	if err == nil {
		after, err = usageOf(s.Pid)
	}
	if err != nil {
		return fmt.Errorf("%s: %w%s", s.Name, err, lastWords(s.Dir))
	}
	r[peak], r[threads] = float64(after.Peak)/megabyte, float64(after.Threads)
	if o.Done+o.failures() > 0 {
		o.add(r, t.Metrics[0].Name)
	}
	if o.Done > 0 {
		self := (after.Self - before.Self).Seconds()
		r[cpuSelf] = self * 1000 / float64(o.Done)
		r[cpuAll] = (self + (after.Children - before.Children).Seconds()) * 1000 / float64(o.Done)
	}
	row := t.row(s.Name)
	row.Rounds = append(row.Rounds, r)
	return nil
}
