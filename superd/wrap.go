package superd

import (
	"os"
	"sync/atomic"
	"time"

	"superd/superd/admit"
	"superd/superd/config"
	"superd/superd/event"
	"superd/superd/ident"
	"superd/superd/libwrap"
	"superd/superd/socket"
)

// hosts.allow and hosts.deny are asked after only_from, no_access and access_times and before the limits, so that whom they
// deny is not charged. What a rule that grants wants done is done when the limits have let the connection in, too.

// wraps is where the host keeps the tables, and the commands that their rules run.
type wraps struct {
	files    atomic.Pointer[libwrap.Files]
	dir      string             // of files; the supervisor's
	nobody   *config.Credential // whom commands run as for a service that has no user; nil: superd's own identity
	commands chan struct{}      // one for each that runs, at most commandLimit
	warned   quietly            // that no more can run
}

// wrapWith makes the tables those of a folder, and reads them, so that what is wrong in them is said now and not when somebody
// comes.
func (h *host) wrapWith(dir string) {
	files := h.wraps.files.Load()
	if files == nil || dir != h.wraps.dir {
		files = libwrap.NewFiles(dir, func(problems []libwrap.Problem) {
			for _, p := range problems[:min(len(problems), problemLimit)] {
				h.say(event.Warn("", p.At+": "+p.Text))
			}
		})
		files.Watch()
		h.wraps.dir = dir
		h.wraps.files.Store(files)
	}
	files.Tables(time.Now())
}

// rules are the tables that the service is subject to; nil: there is nothing in them, or it is not.
func (l *listener) rules(set *settings, now time.Time) *libwrap.Tables {
	if set.Libwrap == "" {
		return nil
	}
	if f := l.host.wraps.files.Load(); f != nil {
		return f.Tables(now)
	}
	return nil
}

// inquiry is a connection about which the tables are asked, again and again as more becomes known.
type inquiry struct {
	*conn
	names   []string // the peer's, if the gate wanted them
	rules   *libwrap.Tables
	request libwrap.Request
	banners map[string]string // expanded, by path
}

// wrap asks the tables, if they say anything, and goes on to admit. names are what the gate wants to know of the peer's.
func (c *conn) wrap(names []string) {
	m := c.host.moment(c.set)
	rules := c.rules(c.set, m.Now)
	if rules == nil {
		c.admit(names)
		return
	}
	if v := c.svc.gate.Barred(admit.Peer{Addr: c.peer.Addr(), Names: names}, m); v != admit.OK {
		c.refuse(admit.Decision{Verdict: v}, "")
		return
	}
	c.inquire(rules, names).proceed()
}

func (c *conn) inquire(rules *libwrap.Tables, names []string) *inquiry {
	if !c.local.IsValid() && c.fd >= 0 {
		c.local, _ = socket.Local(c.fd)
	}
	return &inquiry{conn: c, rules: rules, names: names, request: libwrap.Request{
		Daemon: c.set.Libwrap, Pid: os.Getpid(), Ran: map[string]bool{},
		Client: libwrap.Host{Addr: c.peer}, Server: libwrap.Host{Addr: c.local},
	}}
}

// proceed asks, finds out what the answer depends on, and asks again, as often as it takes; then it acts.
func (q *inquiry) proceed() {
	o, need := q.ask()
	switch {
	case need.ClientName:
		q.find(&q.request.Client)
	case need.ServerName:
		q.find(&q.request.Server)
	case need.User:
		q.findUser()
	case need.Command != "":
		q.inline = false
		go func() {
			q.request.Ran[need.Command] = q.run(q.program(), need.Command)
			q.proceed()
		}()
	default:
		q.conclude(o)
	}
}

// ask decides, and prepares the banners of a decision.
func (q *inquiry) ask() (libwrap.Outcome, libwrap.Need) {
	o, need := q.rules.Decide(&q.request)
	if need != (libwrap.Need{}) {
		return o, need
	}
	return o, q.prepareBanners(o)
}

// find goes on when the name of one of the two hosts is known.
func (q *inquiry) find(h *libwrap.Host) {
	if !h.Addr.IsValid() {
		h.Name = libwrap.Unknown
		q.proceed()
		return
	}
	q.inline = false
	ok := q.host.names.resolve(h.Addr.Addr().Unmap(), time.Now(), func(a answer) {
		h.Name = a.name()
		q.proceed()
	})
	if !ok {
		q.refuse(admit.Decision{Verdict: admit.Lookup}, "too many lookups under way")
	}
}

// findUser goes on when the peer's host has said, or not said, whose connection it is.
func (q *inquiry) findUser() {
	q.inline = false
	asked := q.identifiable() && q.host.idents.resolve(q.host, q.local, q.peer, func(r ident.Reply, err error) {
		q.request.User = libwrap.Unknown
		if err == nil && r.User != "" {
			q.request.User = r.User
		}
		q.proceed()
	})
	if !asked {
		q.request.User = libwrap.Unknown
		q.proceed()
	}
}

// name is the one name that libwrap knows a host by.
func (a answer) name() string {
	switch {
	case len(a.names) > 0:
		return a.names[0]
	case a.doubtful:
		return libwrap.Paranoid
	}
	return libwrap.Unknown
}

// conclude acts on a decision. Commands are waited for, so whatever has some goes on in a goroutine of its own.
func (q *inquiry) conclude(o libwrap.Outcome) {
	if o.Verdict == libwrap.Deny {
		q.off(o, func() {
			q.effect(o)
			q.refuse(admit.Decision{Verdict: admit.Libwrap}, because(o))
		})
		return
	}
	if !q.pass(q.names) {
		return
	}
	q.off(o, func() {
		if why := q.effect(o); why != "" {
			q.refuse(admit.Decision{Verdict: admit.Libwrap}, o.Rule+": "+why)
			return
		}
		q.serve()
	})
}

// off runs f here, or beside the accept path if o has commands to wait for.
func (q *inquiry) off(o libwrap.Outcome, f func()) {
	for _, a := range o.Actions {
		if a.Kind == libwrap.Spawn {
			q.inline = false
			go f()
			return
		}
	}
	f()
}

// because is a denial's detail.
func because(o libwrap.Outcome) string {
	if o.Why != "" {
		return o.Rule + ": " + o.Why
	}
	return o.Rule
}

// decideNow asks the tables and the gate about a datagram, or about the first connection of a wait service, here and now. A
// command holds up this service alone, as it does in xinetd. It reports false if a name has to be looked up first, which has
// begun. detail says more about a denial.
func (c *conn) decideNow(names []string) (d admit.Decision, detail string, known bool) {
	m := c.host.moment(c.set)
	rules := c.rules(c.set, m.Now)
	if rules == nil {
		return c.ask(names), "", true
	}
	if v := c.svc.gate.Barred(admit.Peer{Addr: c.peer.Addr(), Names: names}, m); v != admit.OK {
		return admit.Decision{Verdict: v}, "", true
	}
	q := c.inquire(rules, names)
	o, known := q.askNow()
	if !known {
		return admit.Decision{}, "", false
	}
	if o.Verdict == libwrap.Deny {
		q.effect(o)
		return admit.Decision{Verdict: admit.Libwrap}, because(o), true
	}
	if d = c.ask(names); d.Verdict != admit.OK {
		return d, "", true
	}
	if why := q.effect(o); why != "" {
		c.svc.gate.Release(c.slot)
		c.slot = admit.Slot{}
		return admit.Decision{Verdict: admit.Libwrap}, o.Rule + ": " + why, true
	}
	return d, "", true
}

// askNow is proceed for what must be known at once.
func (q *inquiry) askNow() (o libwrap.Outcome, known bool) {
	for known = true; known; {
		var need libwrap.Need
		o, need = q.ask()
		switch {
		case need.ClientName:
			known = q.recall(&q.request.Client)
		case need.ServerName:
			known = q.recall(&q.request.Server)
		case need.User:
			q.request.User = libwrap.Unknown // there is no connection to ask about
		case need.Command != "":
			q.request.Ran[need.Command] = q.run(q.program(), need.Command)
		default:
			return o, true
		}
	}
	return o, false
}

// recall is find for a name that is known already.
func (q *inquiry) recall(h *libwrap.Host) bool {
	a, known := answer{}, true
	if h.Addr.IsValid() {
		a, known = q.host.names.cached(h.Addr.Addr().Unmap(), time.Now())
	}
	if known {
		h.Name = a.name()
	}
	return known
}

// quietly says something once a minute at most. The zero value is ready; it is safe for concurrent use.
type quietly struct{ at atomic.Int64 }

func (q *quietly) now(t time.Time) bool {
	last := q.at.Load()
	return t.UnixNano()-last >= int64(quietTime) && q.at.CompareAndSwap(last, t.UnixNano())
}
