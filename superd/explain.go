package superd

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"superd/superd/admit"
	"superd/superd/config"
	"superd/superd/control"
	"superd/superd/libwrap"
)

// Explain asks the service's gate, with the names of the address if they matter.
func (o operator) Explain(ctx context.Context, q control.Question) (*control.Explanation, error) {
	var svc *service
	var set *settings
	var running *config.Config
	var failure error
	err := o.ask(ctx, func() {
		if svc, failure = o.find(q.Service); failure == nil {
			set, running = svc.current.Load(), o.running
		}
	})
	if err != nil {
		return nil, err
	}
	if failure != nil {
		return nil, failure
	}
	a := answer{}
	if seen(set.Service) && svc.gate.NeedsNames(q.Address) {
		a = o.host.names.lookup(ctx, q.Address.Unmap())
	}
	moment := o.host.moment(set)
	f := svc.gate.Explain(peerOf(set.Service, q.Address, a.names), moment, when(q, moment.Now))
	var tables *libwrap.Tables
	if files := o.host.wraps.files.Load(); files != nil {
		tables = files.Tables(moment.Now)
	}
	wrap := wrapped(ctx, tables, set.Service, q.Address, o.host.names.lookup)
	x := explain(running, set.Service, q, a, moment, f, wrap, true)
	if b, banned := o.host.bans.Find(q.Address, moment.Now); banned && set.Sensor == nil {
		kept := control.Step{Verdict: admit.Sensor.String(), Text: "the sensor " + b.Sensor + " has caught it; superd unban lets it in again"}
		x.Verdict, x.Action, x.Steps = kept.Verdict, "refused", append([]control.Step{kept}, x.Steps...)
	}
	return x, nil
}

// ExplainFiles is Explain without a daemon: from the rules alone, as if nobody were there.
func ExplainFiles(ctx context.Context, c *config.Config, s *config.Service, q control.Question) *control.Explanation {
	gate := admit.NewGate(s.Limits, s.Access)
	a := answer{}
	if seen(s) && gate.NeedsNames(q.Address) {
		lookup, cancel := context.WithTimeout(ctx, lookupTime)
		defer cancel()
		a = confirmedNames(lookup, q.Address.Unmap())
	}
	moment := new(host).moment(&settings{Service: s})
	f := gate.Explain(peerOf(s, q.Address, a.names), moment, when(q, moment.Now))
	tables := libwrap.NewFiles(c.Daemon.HostsAccess, nil).Tables(moment.Now)
	return explain(c, s, q, a, moment, f, wrapped(ctx, tables, s, q.Address, confirmedNames), false)
}

// seen reports whether superd sees who comes: the connections of a stream wait service are accepted by its program.
func seen(s *config.Service) bool { return !s.Wait || s.SocketType == config.Dgram }

func peerOf(s *config.Service, addr netip.Addr, names []string) admit.Peer {
	if !seen(s) {
		return admit.Peer{}
	}
	return admit.Peer{Addr: addr, Names: names}
}

func when(q control.Question, now time.Time) time.Time {
	if q.At.IsZero() {
		return now
	}
	return q.At.In(now.Location())
}

// explain puts findings into words.
func explain(c *config.Config, s *config.Service, q control.Question, a answer, m admit.Moment, f admit.Findings, wrap *control.Step, live bool) *control.Explanation {
	if wrap != nil && !wrap.OK && f.Verdict != admit.Address && f.Verdict != admit.Time {
		f.Verdict, f.Policy = admit.Libwrap, config.Refuse
	}
	x := &control.Explanation{
		Version: control.Version, Service: s.ID, Address: q.Address.String(), Time: when(q, m.Now), Live: live,
		Verdict: f.Verdict.String(), Action: action(f), Names: a.names,
	}
	add := func(v admit.Verdict, ok bool, attribute, format string, args ...any) {
		x.Steps = append(x.Steps, control.Step{Verdict: v.String(), OK: ok, Text: fmt.Sprintf(format, args...), From: c.Origin(s, attribute)})
	}
	if a.err != nil {
		x.Verdict, x.Action = admit.Lookup.String(), "refused"
		x.Steps = append(x.Steps, control.Step{Verdict: x.Verdict, Text: "its host names matter and cannot be found out: " + a.err.Error()})
	}
	x.Steps = append(x.Steps, ruled(c, s, q.Address, a.names))
	if len(s.Access.Times) > 0 {
		add(admit.Time, f.Open, "access_times", "access_times = %s; it is %s", s.Value("access_times"), x.Time.Format("Mon 15:04"))
	}
	if wrap != nil {
		x.Steps = append(x.Steps, *wrap)
	}
	if s.Limits.MaxLoad > 0 {
		add(admit.Load, f.Load, "max_load", "the load is %.2f, max_load %s", m.Load, s.Value("max_load"))
	}
	if f.Rate > 0 {
		x.Steps = append(x.Steps, rated(c, s, f))
	}
	if f.Instances != config.Unlimited {
		add(admit.Instances, f.Running < f.Instances, "instances", "%d of %d instances run; %d left", f.Running, f.Instances, max(f.Instances-f.Running, 0))
	}
	if f.PerSource != config.Unlimited && seen(s) {
		add(admit.PerSource, f.FromSource < f.PerSource, "per_source", "%d of %d connections of %s run; %d left", f.FromSource, f.PerSource, f.Source, max(f.PerSource-f.FromSource, 0))
	}
	if s.Labeled {
		add(admit.Fork, true, "flags", "the program gets the range of the label that the client's network gives it; without a label it is not started")
	}
	if f.Suspended {
		x.Steps = append(x.Steps, control.Step{Verdict: "paused", Text: "an operator has paused the service: clients wait in the kernel's queue"})
	}
	return x
}

// action is what becomes of the client.
func action(f admit.Findings) string {
	switch {
	case f.Suspended:
		return "waits, since the service is paused by an operator"
	case f.Verdict == admit.OK:
		return "admitted"
	}
	switch f.Policy {
	case config.Reset:
		return "reset"
	case config.Queue:
		return "waits in the kernel's queue"
	}
	return "refused"
}

// ruled says which rule decides about the address.
func ruled(c *config.Config, s *config.Service, addr netip.Addr, names []string) control.Step {
	if !seen(s) {
		return control.Step{Verdict: admit.Address.String(), OK: true, Text: "the program accepts the connections itself (wait = true), so superd does not see who comes"}
	}
	r := admit.Judge(s.Access, addr, names)
	step := control.Step{Verdict: admit.Address.String(), OK: !r.Denies}
	list, rules := "only_from", s.Access.OnlyFrom
	if r.Denies {
		list, rules = "no_access", s.Access.NoAccess
	}
	switch {
	case r.Found:
		step.Text = fmt.Sprintf("the most specific rule that matches is %q of %s", rules[r.Index].Word, list)
		step.From = c.RuleOrigin(s, r.Denies, r.Index)
	case s.Access.Restricted:
		step.Text = "no word of only_from matches"
		step.From = c.Origin(s, "only_from")
	case len(s.Access.NoAccess) > 0:
		step.Text = "no word of no_access matches"
		step.From = c.Origin(s, "no_access")
	default:
		step.Text = "everybody may come: there is neither only_from nor no_access"
	}
	return step
}

// rated is the question of cps.
func rated(c *config.Config, s *config.Service, f admit.Findings) control.Step {
	step := control.Step{Verdict: admit.CPS.String(), OK: f.Paused == 0 && f.Held == 0 && f.Refill == 0, From: c.Origin(s, "cps")}
	switch {
	case f.Paused > 0:
		step.Text = fmt.Sprintf("cps has paused the service for another %s", shown(f.Paused))
	case f.Held > 0:
		step.Verdict = admit.Hold.String()
		step.Text = fmt.Sprintf("%s is held off for another %s, since it met an empty bucket", f.Source, shown(f.Held))
	case f.Refill > 0:
		step.Text = fmt.Sprintf("the bucket is empty; the next of %d tokens a second comes in %s", f.Rate, shown(f.Refill))
	default:
		step.Text = fmt.Sprintf("%d of %d tokens are in the bucket", f.Tokens, f.Rate)
	}
	return step
}

func shown(d time.Duration) time.Duration {
	return max(d.Round(100*time.Millisecond), time.Millisecond)
}
