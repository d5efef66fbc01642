package libwrap

import (
	"net/netip"
	"strings"
	"time"
)

// What a name or a user is when there is none, and what a name is that does not lead back to its address.
const (
	Unknown  = "unknown"
	Paranoid = "paranoid"
)

// Request is what is known about a connection. An empty name or user is one that was not asked for yet.
type Request struct {
	Daemon         string
	Client, Server Host
	User           string // the client's, by RFC 1413
	Pid            int
	Ran            map[string]bool // how commands of aclexec have ended: true for status 0
}

// Host is one end of the connection.
type Host struct {
	Addr netip.AddrPort // not valid: unknown
	Name string
}

// text is the address as libwrap has it; a mapped one as IPv4.
func (h *Host) text() string {
	if !h.Addr.IsValid() {
		return Unknown
	}
	return h.Addr.Addr().Unmap().String()
}

// Need is what must be found out before the tables can decide: one thing at a time.
type Need struct {
	ClientName, ServerName, User bool
	Timeout                      time.Duration // for User; 0: as the caller likes
	Command                      string        // of aclexec: to be run, its end noted in Request.Ran
}

// Verdict is what the tables say.
type Verdict uint8

const (
	Grant Verdict = iota
	Deny
	Twist // run Outcome.Command instead of the server
)

// Outcome is the decision about a connection.
type Outcome struct {
	Verdict Verdict
	Rule    string   // FILE:LINE of the rule that matched; "" if none did
	Why     string   // of a Deny that comes from a mistake in the rule
	Actions []Action // what the rule wants done first, in this order
	Command string   // of a Twist, for /bin/sh -c
}

// Tables are hosts.allow and hosts.deny. They do not change; several goroutines may use them.
type Tables struct {
	Allow, Deny *Table
}

// Empty reports whether everybody is granted.
func (t *Tables) Empty() bool {
	return len(t.Allow.rules) == 0 && len(t.Deny.rules) == 0 && !t.Deny.broken
}

// Decide says what becomes of a connection: the first rule of hosts.allow that matches grants it, then the first of
// hosts.deny denies it, unless their options say otherwise; what matches nowhere is granted. A Need that is not zero means that
// the Outcome is none yet.
func (t *Tables) Decide(r *Request) (Outcome, Need) {
	e := evaluation{request: r}
	hit, _ := e.table(t.Allow, Grant)
	if !hit && !e.stuck() {
		var broken bool
		if hit, broken = e.table(t.Deny, Deny); !hit && broken {
			e.out.Verdict, e.out.Rule, e.out.Why = Deny, t.Deny.name, "the file is broken"
		}
	}
	if e.stuck() {
		return Outcome{}, e.need
	}
	return e.out, Need{}
}

// evaluation is one run of Decide. It is stuck as soon as it needs to know something.
type evaluation struct {
	request *Request
	need    Need
	out     Outcome
	refused bool // the last command of aclexec has failed
}

func (e *evaluation) stuck() bool { return e.need != Need{} }

// table looks for the first rule that matches, and lets its options decide; usual is what it says without any. It reports
// false if no rule did; a rule whose command has failed did not.
func (e *evaluation) table(t *Table, usual Verdict) (hit, broken bool) {
	for i := range t.rules {
		r := &t.rules[i]
		matches := e.list(&r.daemons, e.daemon) && e.list(&r.clients, e.client)
		switch {
		case e.stuck():
			return false, false
		case matches:
			return e.hit(r, usual), false
		}
	}
	return false, t.broken
}

func (e *evaluation) hit(r *rule, usual Verdict) bool {
	e.out.Rule, e.refused = r.at, false
	if e.process(r.options) {
		return true
	}
	if e.refused {
		e.out.Rule = ""
		return false
	}
	e.out.Verdict = usual
	return true
}

func (e *evaluation) list(l *list, match func(*item) bool) bool {
	for i := range l.items {
		hit := match(&l.items[i])
		if e.stuck() {
			return false
		}
		if hit {
			return l.except == nil || !e.list(l.except, match) && !e.stuck()
		}
	}
	return false
}

func (e *evaluation) daemon(i *item) bool {
	hit := false
	if i.port >= 0 {
		hit = e.request.Server.Addr.IsValid() && int(e.request.Server.Addr.Port()) == i.port
	} else {
		hit = i.left.matches(e.request.Daemon)
	}
	return hit && (i.host == nil || e.host(i.host, e.server()))
}

func (e *evaluation) client(i *item) bool {
	return e.host(i.host, e.peer()) && (i.left == nil || i.left.matches(e.user()))
}

// end is one end of the connection, whose name is asked for only when it matters.
type end struct {
	*Host
	name func() string
}

func (e *evaluation) peer() end {
	return end{&e.request.Client, func() string {
		e.need.ClientName = e.request.Client.Name == "" && !e.stuck()
		return e.request.Client.Name
	}}
}

func (e *evaluation) server() end {
	return end{&e.request.Server, func() string {
		e.need.ServerName = e.request.Server.Name == "" && !e.stuck()
		return e.request.Server.Name
	}}
}

func (e *evaluation) user() string {
	e.need.User = e.request.User == "" && !e.stuck()
	return e.request.User
}

func known(name string) bool {
	return name != "" && !fold(name, Unknown) && !fold(name, Paranoid)
}

func (e *evaluation) host(p *hostPattern, h end) bool {
	switch p.kind {
	case hostNetgroup:
		return false
	case hostFile:
		return e.set(p.set, h)
	case hostKnown:
		return known(h.name()) && h.Addr.IsValid()
	case hostLocal:
		name := h.name()
		return !strings.Contains(name, ".") && known(name)
	case hostMask:
		return h.Addr.IsValid() && p.mask(h.Addr.Addr().Unmap())
	}
	return p.word.matches(h.text()) || p.name && p.word.matches(h.name()) && !e.stuck()
}

func (e *evaluation) set(s *hostSet, h end) bool {
	if _, ok := s.addrs[h.text()]; ok {
		return true
	}
	for _, p := range s.patterns {
		if hit := e.host(p, h); hit || e.stuck() {
			return hit && !e.stuck()
		}
	}
	return false
}
