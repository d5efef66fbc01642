package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// bench is a run: who takes part, how much is asked of them, and what has come of it.
type bench struct {
	out        io.Writer // the tables
	terminal   bool      // and progress
	shop       *workshop
	list       []*contender
	user       string // who runs it
	rounds     int
	clients    int
	count      int // a round; 0: what the scenario has
	limit      time.Duration
	report     report
	profile    string // a folder for the profiles of superd; "": none
	builtHere  bool   // superd has been built from its source
	noNewPrivs bool   // it has this attribute
	running    running
	launched   int // servers so far: each has a folder and an address
}

// The metrics that every load has. per1000 are seconds of processor time.
const (
	perSecond = "conn/s"
	p50       = "p50 ms"
	p99       = "p99 ms"
	cpuSelf   = "CPU s/1000"
	cpuAll    = "with children"
	peak      = "peak MB"
	threads   = "threads"
	failed    = "failures"
)

var loadMetrics = []metric{{perSecond, 0}, {p50, 2}, {p99, 2}, {cpuSelf, 3}, {cpuAll, 3}, {peak, 1}, {threads, 0}, {failed, 0}}

const megabyte = 1 << 20

// problem is something that was lost or corrupted, or could not be measured: the run's exit status is 1.
func (b *bench) problem(format string, values ...any) {
	text := fmt.Sprintf(format, values...)
	fmt.Fprintln(b.out, "superbench:", text)
	b.report.Problems = append(b.report.Problems, text)
}

// entry is a contender in a scenario, with the job that it has there.
type entry struct {
	*contender
	Label string // in the table; "": its name
	Job   job
}

func (e *entry) name() string {
	if e.Label != "" {
		return e.Label
	}
	return e.Name
}

// entries are all who can do the job.
func (b *bench) entries(j job, t *table) []entry {
	var all []entry
	if j.User == "" {
		j.User = b.user
	}
	absent := map[string][]string{}
	for _, c := range b.list {
		why := c.Cannot(j)
		if why == "" && c.Official && j.Builtin != "" && os.Geteuid() != 0 {
			why = "their builtins have ports that only root may have"
		}
		switch {
		case why == "":
			all = append(all, entry{contender: c, Job: j})
		case c.Floor == "":
			absent[why] = append(absent[why], c.Name)
		}
	}
	for _, why := range slices.Sorted(maps.Keys(absent)) {
		t.note("without %s: %s", strings.Join(absent[why], ", "), why)
	}
	return all
}

// address is a server's own: one of 127.0.0.1 to 127.0.0.8, and a port which nobody has there at the moment.
func (b *bench) address(e *entry, network string) (netip.AddrPort, error) {
	addrs := clientAddresses()
	first := b.launched % len(addrs)
	if e.Job.Shipped != "" {
		first = 0 // what has an offset, and where is in the files
	}
	if e.Official && e.Job.Builtin != "" {
		return netip.AddrPortFrom(addrs[first], map[string]uint16{"echo": 7, "daytime": 13}[e.Job.Builtin]), nil
	}
	n := max(e.Job.Services, 1)
	if e.Job.Shipped != "" {
		n = 100
	}
	addr, err := freePorts(addrs[first], network, n)
	for i := 1; err != nil && i < len(addrs) && e.Job.Shipped == ""; i++ {
		addr, err = freePorts(addrs[(first+i)%len(addrs)], network, n)
	}
	return addr, err
}

// launch starts an entry.
func (b *bench) launch(t *table, e *entry) (*server, error) {
	network := "tcp"
	if e.Job.Dgram {
		network = "udp"
	}
	addr, err := b.address(e, network)
	if err != nil {
		return nil, err
	}
	b.launched++
	dir := b.shop.file(fmt.Sprintf("server-%d", b.launched))
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	b.report.Versions[e.Name] = e.version
	l := &launch{job: e.Job, Dir: dir, Addr: addr}
	if b.profile != "" && e.Name == superdName {
		l.Profile = filepath.Join(b.profile, fmt.Sprintf("%s-%d", t.Scenario, b.launched))
		if err := os.MkdirAll(l.Profile, 0o755); err != nil {
			return nil, err
		}
	}
	s, err := e.start(l, e.name(), &b.running, b.ask)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e.name(), err)
	}
	return s, nil
}

// ask makes one connection, or sends one datagram, as the job's load would.
func (b *bench) ask(s *server) error {
	var o outcome
	var err error
	switch {
	case s.job.Stays:
		h := holdLoad{To: s.Addr, From: clientAddresses(), Count: 1, Window: 1, Limit: time.Second}
		var release func()
		o, release, err = h.run()
		release()
	case s.job.Dgram:
		l := udpLoad{To: s.Addr, Window: 1, Size: 64, Count: 1, Limit: time.Second}
		o, err = l.run()
	default:
		l := b.tcpLoad(s, 1, 1)
		o, err = l.run()
	}
	if err == nil && o.Done != 1 {
		err = errors.New(o.trouble())
	}
	return err
}

// clientAddresses are those that the clients come from.
func clientAddresses() []netip.Addr {
	addrs := make([]netip.Addr, 8)
	for i := range addrs {
		addrs[i] = netip.AddrFrom4([4]byte{127, 0, 0, byte(1 + i)})
	}
	return addrs
}

// echoed is what an echo service gets: 64 KB.
var echoed = pattern(64 << 10)

// tcpLoad is what the server's job asks for.
func (b *bench) tcpLoad(s *server, clients, count int) tcpLoad {
	l := tcpLoad{To: s.Addr, From: clientAddresses(), Clients: clients, Count: count, Limit: b.limit}
	if s.job.Shipped != "" {
		l.To = netip.AddrPortFrom(s.Addr.Addr(), s.Addr.Port()+uint16(slices.Index(shippedBuiltins, "daytime")))
		l.Largest, l.Check = 100, checkDaytime
		return l
	}
	switch s.job.builtin(0) {
	case "echo": // from an address that has a name: xinetd asks for it, even if told NOLIBWRAP
		l.From = l.From[:1]
		l.Send, l.Largest, l.Check = echoed, len(echoed), checkEcho(echoed)
	case "daytime":
		l.Largest, l.Check = 100, checkDaytime
	default:
		l.Largest, l.Check = len(hello), checkHello
	}
	return l
}

// open begins a table.
func (b *bench) open(name, doc string) *table {
	t := &table{Scenario: name, Doc: doc, Metrics: loadMetrics, Compare: perSecond, Notes: append([]string(nil), b.shop.Notes...)}
	b.report.Tables = append(b.report.Tables, t)
	return t
}

func (b *bench) countOr(n int) int {
	if b.count > 0 {
		return b.count
	}
	return n
}
