package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

const (
	started   = "start s"
	firstTime = "first conn/s"
)

// manyServices has each server start anew each round, for the time that this takes.
func (b *bench) manyServices(t *table) error {
	t.Metrics = []metric{{perSecond, 0}, {p50, 2}, {p99, 2}, {firstTime, 0}, {started, 3}, {rss, 1}, {threads, 0}, {failed, 0}}
	var entries []entry
	for _, name := range []string{superdName, "xinetd"} {
		for _, n := range []int{10_000, 1000, 1} {
			for _, e := range only(b.entries(job{Program: b.shop.Program, Services: n}, &table{}), name) {
				e.Label = fmt.Sprintf("%s, %d", name, n)
				entries = append(entries, e)
			}
		}
	}
	t.note("first: each connection but those to one service is the first that its service has; conn/s: the same services again")
	t.note("RSS is that %v after the start; the first of superd's rows is compared with the others", settle)
	return b.run(t, entries, plan{Fresh: true, Work: func(s *server, r sample) (outcome, error) {
		time.Sleep(settle)
		u, err := usageOf(s.Pid)
		if err != nil {
			return outcome{}, err
		}
		r[rss] = float64(u.RSS) / megabyte
		l := b.tcpLoad(s, b.clients, b.countOr(2000))
		l.Ports = s.job.Services
		once, err := l.run()
		if err != nil || once.Done == 0 || len(once.Failed) > 0 {
			return once, err
		}
		r[firstTime] = float64(once.Done) / once.Elapsed.Seconds()
		s.served += once.Done
		return l.run() // on the same ports again
	}})
}

const (
	live     = "live"
	kbChild  = "KB/child"
	allGone  = "end s"
	reaping  = 30 * time.Second
	manyLive = 10_000
)

// manyChildren has so many programs run at once.
func (b *bench) manyChildren(t *table) error {
	t.Metrics = []metric{{perSecond, 0}, {p50, 2}, {p99, 2}, {live, 0}, {threads, 0}, {kbChild, 2}, {allGone, 2}, {cpuSelf, 3}, {peak, 1}, {failed, 0}}
	n := b.countOr(manyLive)
	if n != manyLive {
		t.note("-count: %d instead of %d", n, manyLive)
	}
	if most := descriptors() - 200; n > most {
		t.note("%d instead of %d: this process may not have more descriptors", most, n)
		n = most
	}
	var entries []entry
	for _, e := range b.entries(job{Program: b.shop.Stay, Stays: true}, t) {
		if e.Floor == "" && e.Name != "inetutils-inetd" { // whose backlog of 10 makes it a matter of minutes
			entries = append(entries, e)
		}
	}
	return b.run(t, entries, plan{Fresh: true, Work: func(s *server, r sample) (outcome, error) {
		before, err := usageOf(s.Pid)
		if err != nil {
			return outcome{}, err
		}
		h := holdLoad{To: s.Addr, From: clientAddresses(), Count: n, Window: b.clients, Limit: max(b.limit, 30*time.Second)}
		o, release, err := h.run()
		defer release()
		if err != nil {
			return o, err
		}
		after, err := usageOf(s.Pid)
		if err != nil {
			return o, err
		}
		children := childrenOf(s.Pid)
		r[live], r[kbChild] = float64(children), float64(after.RSS-before.RSS)/1024/float64(max(children, 1))
		if children != o.Done {
			o.fail(fmt.Sprintf("%d connections and %d programs", o.Done, children))
		}
		began := time.Now()
		release()
		if _, err := poll(reaping, func() (struct{}, error) {
			if left := childrenOf(s.Pid); left > 0 {
				return struct{}{}, fmt.Errorf("%d programs are left %v after their connections", left, reaping)
			}
			return struct{}{}, nil
		}); err != nil {
			o.fail(err.Error())
		}
		r[allGone] = time.Since(began).Seconds()
		return o, nil
	}})
}

// childrenOf counts a process's children: those of all its threads.
func childrenOf(pid int) (n int) {
	dir := fmt.Sprintf("/proc/%d/task", pid)
	tasks, _ := os.ReadDir(dir)
	for _, task := range tasks {
		text, _ := os.ReadFile(dir + "/" + task.Name() + "/children")
		n += len(strings.Fields(string(text)))
	}
	return n
}
