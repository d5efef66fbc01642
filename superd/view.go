package superd

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"superd/superd/admit"
	"superd/superd/config"
	"superd/superd/control"
	"superd/superd/event"
)

// What the control socket shows. All of it is read on the supervisor's goroutine, which is never on the way of a connection.

// status is the state of the named services, or of all; detail adds what only a closer look shows.
func (d *loop) status(named []string, detail bool) (*control.Status, error) {
	now := time.Now()
	h := d.host.history.read()
	s := &control.Status{
		Hello: d.hello(), Time: now, Started: h.Began, Generation: h.Generation, Loaded: h.Since, Hash: d.running.Hash,
		Services: []control.Service{},
	}
	if h.Failing {
		s.Failure = &control.Failure{Time: h.LastFailure, Error: h.FailureError}
		s.Degraded++
	}
	wanted := map[string]bool{}
	for _, id := range named {
		wanted[strings.ToLower(id)] = false
	}
	want := func(id string) bool {
		id = strings.ToLower(id)
		_, ok := wanted[id]
		if ok {
			wanted[id] = true
		}
		return ok || len(wanted) == 0
	}
	latest := d.host.feed.Latest()
	add := func(v control.Service) {
		if e, ok := latest[v.ID]; ok && (v.Last == nil || e.At.After(v.Last.Time)) {
			v.Last = &control.Last{Time: e.At, Event: e.Event.Name(), Summary: e.Event.Summary()}
		}
		if v.Degraded {
			s.Degraded++
		}
		s.Connections += v.Running
		s.Services = append(s.Services, v)
	}
	for _, configured := range d.running.Services {
		if want(configured.ID) {
			add(d.view(configured, now, detail))
		}
	}
	for i, id := range d.running.Disabled {
		if want(id) {
			add(control.Service{ID: id, Name: id, At: d.running.OffAt[i], State: control.Disabled, Endpoints: []control.Endpoint{}, Instances: config.Unlimited, Refused: map[string]uint64{}})
		}
	}
	for _, svc := range d.stillRunning() {
		if want(svc.id) {
			v := d.viewOf(svc, now, detail)
			v.State, v.Reason = control.Retired, fmt.Sprintf("%d left", v.Running)
			add(v)
		}
	}
	for _, id := range named {
		if !wanted[strings.ToLower(id)] {
			return nil, d.unknown(id)
		}
	}
	return s, nil
}

// view is a configured service.
func (d *loop) view(configured *config.Service, now time.Time, detail bool) control.Service {
	svc := d.services[configured.ID]
	v := d.viewOf(svc, now, detail)
	var ailing *ailment
	for _, e := range configured.Endpoints {
		shown := control.Endpoint{Endpoint: e.String()}
		if u := d.missing[e]; u != nil {
			shown.Error = u.err.Error()
			v.State, v.Reason, v.Until = control.Waiting, u.err.Error(), &u.due
		} else if l := d.sockets[e]; l != nil && ailing == nil {
			ailing = l.ailing.Load()
		}
		v.Endpoints = append(v.Endpoints, shown)
	}
	paused := svc.gate.Level(admit.Moment{Now: now}).Paused
	switch {
	case v.State != control.Listening:
	case svc.gate.Suspended():
		v.State, v.Reason = control.Paused, "by an operator"
	case paused > 0:
		until := now.Add(paused)
		v.State, v.Reason, v.Until = control.Paused, "cps", &until
	case ailing != nil:
		v.State, v.Reason, v.Until = control.BackingOff, ailing.reason, &ailing.until
	}
	v.Degraded = v.State != control.Listening
	return v
}

// viewOf is what there is to see of a service whatever its state, as if it listened.
func (d *loop) viewOf(svc *service, now time.Time, detail bool) control.Service {
	set := svc.current.Load()
	v := control.Service{
		ID: svc.id, Name: set.Name, State: control.Listening, At: set.At, Runs: set.Program.Path,
		Endpoints: []control.Endpoint{}, Running: svc.gate.Counts().Running, Instances: set.Limits.Instances,
		Refused: map[string]uint64{}, Last: svc.last.shown(),
	}
	switch {
	case set.Builtin != "":
		v.Runs = "builtin " + set.Builtin
	case set.Redirect != nil:
		v.Runs = "redirect to " + net.JoinHostPort(set.Redirect.Host, strconv.Itoa(int(set.Redirect.Port)))
	}
	if t := svc.counted.Load(); t != nil {
		v.Accepted, v.Datagrams = t.accepted.Load(), t.datagrams.Load()
		for verdict := range t.refused {
			if n := t.refused[verdict].Load(); n > 0 {
				v.Refused[admit.Verdict(verdict).String()] = n
			}
		}
	}
	if detail {
		v.Detail = d.detail(svc, set, now)
	}
	return v
}

func (d *loop) detail(svc *service, set *settings, now time.Time) *control.Detail {
	level := svc.gate.Level(admit.Moment{Now: now})
	detail := &control.Detail{
		Connections: connectionsOf(svc), Sources: []control.Source{}, PerSource: set.Limits.PerSource,
		Held: svc.gate.Counts().Held, Tokens: level.Tokens, Rate: set.Limits.CPS.Rate, Attributes: d.attributes(set.Service),
	}
	sources := svc.gate.Sources()
	slices.SortFunc(sources, func(a, b admit.Source) int {
		if a.Running != b.Running {
			return b.Running - a.Running
		}
		return a.Prefix.Addr().Compare(b.Prefix.Addr())
	})
	for _, s := range sources[:min(len(sources), control.MaxSources)] {
		detail.Sources = append(detail.Sources, control.Source{Source: s.Prefix, Running: s.Running})
	}
	return detail
}

func connectionsOf(svc *service) []control.Connection {
	all := []control.Connection{}
	svc.live.look(func(c *conn) bool {
		all = append(all, control.Connection{ID: c.id, Service: svc.id, Peer: c.peer, Local: c.local, Pid: c.pid, Started: c.since})
		return len(all) < control.MaxListed
	})
	return all
}

// attributes are those that a service goes by, in the files that run.
func (d *loop) attributes(s *config.Service) []control.Attribute {
	all := []control.Attribute{}
	for _, a := range s.Settings() {
		all = append(all, control.Attribute{Name: a.Attribute, Value: a.Value, From: d.running.Origin(s, a.Attribute)})
	}
	return all
}

// unknown is the error of an id that no service has.
func (d *loop) unknown(id string) error {
	ids := slices.Collect(maps.Keys(d.services))
	return &control.Error{Code: 404, Text: fmt.Sprintf("there is no service %.100q%s", id, nearest(id, ids))}
}

// nearest suggests an id that begins as given does, or that it begins.
func nearest(given string, ids []string) string {
	slices.Sort(ids)
	for _, id := range ids {
		if strings.HasPrefix(strings.ToLower(id), strings.ToLower(given)) {
			return fmt.Sprintf("; did you mean %q?", id)
		}
	}
	return ""
}

// find is the running service with that id, whatever its case.
func (d *loop) find(id string) (*service, error) {
	if svc := d.services[id]; svc != nil {
		return svc, nil
	}
	for _, s := range d.running.Services {
		if strings.EqualFold(s.ID, id) {
			return d.services[s.ID], nil
		}
	}
	if slices.ContainsFunc(d.running.Disabled, func(off string) bool { return strings.EqualFold(off, id) }) {
		return nil, &control.Error{Code: 409, Text: fmt.Sprintf("the service %q is disabled", id)}
	}
	return nil, d.unknown(id)
}

// planned is a plan, from was to next, as the control socket shows it; both are nil when the files are of no use.
func (d *loop) planned(p *plan, was, next *config.Config, diags *config.Diagnostics) *control.Plan {
	shown := &control.Plan{
		Version: control.Version, Valid: !diags.HasErrors(), Kept: len(p.keep),
		Open: []control.Planned{}, Retune: []control.Planned{}, Retire: []control.Planned{}, Daemon: []control.Change{},
		Problems: problemsOf(diags),
	}
	for _, s := range p.open {
		shown.Open = append(shown.Open, d.plannedService(s))
	}
	for _, r := range p.retune {
		one := d.plannedService(r.service)
		for _, c := range config.Deltas(r.was, r.service) {
			one.Changes = append(one.Changes, control.Change{Attribute: c.Attribute, Old: c.Old, New: c.New, From: next.Origin(r.service, c.Attribute)})
		}
		shown.Retune = append(shown.Retune, one)
	}
	for _, s := range p.retire {
		shown.Retire = append(shown.Retire, d.plannedService(s))
	}
	if next != nil {
		for _, c := range config.DaemonDeltas(was.Daemon, next.Daemon) {
			shown.Daemon = append(shown.Daemon, control.Change{Attribute: c.Attribute, Old: c.Old, New: c.New})
		}
	}
	return shown
}

func (d *loop) plannedService(s *config.Service) control.Planned {
	one := control.Planned{ID: s.ID, At: s.At, Endpoints: []string{}}
	for _, e := range s.Endpoints {
		one.Endpoints = append(one.Endpoints, e.String())
	}
	if svc := d.services[s.ID]; svc != nil {
		one.Running = svc.gate.Counts().Running
	}
	return one
}

func problemsOf(diags *config.Diagnostics) []control.Problem {
	all := []control.Problem{}
	problems := diags.Problems()
	for _, p := range problems[:min(len(problems), problemLimit)] {
		all = append(all, control.Problem{
			Severity: string(p.Severity), At: p.Position(), Summary: p.Summary, Text: diags.Body(p),
		})
	}
	return all
}

// recent are the last events, as lines of text.
func recent(feed *event.Feed) []string {
	var lines []string
	for _, r := range feed.Last() {
		r = r.Bare()
		lines = append(lines, strings.TrimSuffix(string(r.Line(false)), "\n"))
	}
	return lines
}
