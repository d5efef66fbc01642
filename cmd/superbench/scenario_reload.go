package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

const (
	reloaded   = "reload ms"
	longest    = "longest ms"
	quietest   = "quiet longest ms"
	manyToLoad = 10_000
)

// reload changes one service, tells the server, and waits until it says that the change is in force.
func (b *bench) reload(t *table) error {
	t.Metrics = []metric{{perSecond, 0}, {p50, 2}, {reloaded, 0}, {quietest, 2}, {longest, 2}, {cpuSelf, 3}, {peak, 1}, {failed, 0}}
	t.Compare = reloaded
	t.note("longest: the slowest of the connections to the builtin of one service meanwhile, one begun each 2 ms; quiet: of as many without a reload")
	n := manyToLoad
	if b.count > 0 {
		n = b.count
		t.note("-count: %d services instead of %d", n, manyToLoad)
	}
	j := job{Program: b.shop.Program, Services: n, Split: true}
	entries := append(only(b.entries(j, &table{}), superdName), only(b.entries(j, &table{}), "xinetd")...)
	round := 0
	return b.run(t, entries, plan{Work: func(s *server, r sample) (outcome, error) {
		round++
		quiet, err := b.meanwhile(s, func() error {
			time.Sleep(500 * time.Millisecond)
			return nil
		})
		if err != nil {
			return quiet, err
		}
		var took time.Duration
		o, err := b.meanwhile(s, func() (err error) {
			took, err = s.change(n-1, round)
			return err
		})
		if err != nil {
			return o, err
		}
		r[reloaded] = milliseconds(took)
		r[quietest], r[longest] = milliseconds(percentile(quiet.Latencies, 100)), milliseconds(percentile(o.Latencies, 100))
		s.served += quiet.Done
		for reason, n := range quiet.Failed {
			for range n {
				o.fail(reason)
			}
		}
		return o, nil
	}})
}

// meanwhile makes connections to the first service, two clients with a pace of 4 ms each, while do runs.
func (b *bench) meanwhile(s *server, do func() error) (outcome, error) {
	stop, done := make(chan struct{}), make(chan flooding, 1)
	go func() {
		l := tcpLoad{To: s.Addr, From: clientAddresses(), Clients: 2, Count: 100_000, Pace: 4 * time.Millisecond, Limit: startPatience, Stop: stop, Least: 1, Largest: 100, Check: checkDaytime}
		o, err := l.run()
		done <- flooding{o, err}
	}()
	err := do()
	close(stop)
	f := <-done
	return f.outcome, first(err, f.err)
}

// change rewrites the service number i, with a limit that depends on the round, and has the server read it.
func (s *server) change(i, round int) (time.Duration, error) {
	file, text := s.launch.serviceFile(i), ""
	s.launch.Limit = plenty + round
	var done <-chan struct{}
	var words int
	if s.logs {
		text = superdService(s.launch, i)
		done = s.lines.expect(" retuned=1 ") // of RELOAD
	} else {
		text = xinetdService(s.launch, i)
		words = s.said("Reconfigured:")
	}
	// As editors do: the new file is complete when it takes the place of the old one.
	scratch := filepath.Join(s.Dir, "new")
	if err := errors.Join(os.WriteFile(scratch, []byte(text), 0o644), os.Rename(scratch, file)); err != nil {
		return 0, err
	}
	began := time.Now()
	if err := unix.Kill(s.Pid, unix.SIGHUP); err != nil {
		return 0, err
	}
	var err error
	if done != nil {
		err = s.await(done)
	} else {
		_, err = poll(startPatience, func() (struct{}, error) {
			if s.said("Reconfigured:") == words {
				return struct{}{}, errors.New("it was not ready in time")
			}
			return struct{}{}, nil
		})
	}
	if err != nil {
		err = fmt.Errorf("reload: %w", err)
	}
	return time.Since(began), err
}

// said counts a word in the log of a server that writes one of its own.
func (s *server) said(word string) int {
	text, _ := os.ReadFile(filepath.Join(s.Dir, "daemon.log"))
	return bytes.Count(text, []byte(word))
}
