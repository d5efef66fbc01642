package superd

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"time"

	"superd/superd/config"
	"superd/superd/control"
	"superd/superd/event"
)

// operator answers the control socket for the loop. Its methods run on goroutines of their own and ask the loop's for what that owns.
type operator struct{ *loop }

var _ control.Daemon = operator{}

var errEnding = &control.Error{Code: 503, Text: "the daemon is ending"}

// ask has the loop run do, between what else it does, and waits until that is done.
func (o operator) ask(ctx context.Context, do func()) error {
	done := make(chan struct{})
	select {
	case o.asks <- func() { defer close(done); do() }:
		<-done
		return nil
	case <-o.over:
		return errEnding
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (d *loop) hello() control.Hello {
	file, err := filepath.Abs(d.options.Config)
	if err != nil { // the working directory is gone
		file = d.options.Config
	}
	return control.Hello{Version: control.Version, Superd: d.options.Version, Pid: os.Getpid(), Config: file}
}

func (o operator) Hello() control.Hello { return o.hello() }

func (o operator) Status(ctx context.Context, services []string, detail bool) (s *control.Status, err error) {
	asked := o.ask(ctx, func() { s, err = o.status(services, detail) })
	if err = errors.Join(asked, err); err != nil {
		return nil, err
	}
	if detail {
		s.Resources = o.resources()
		for i := range s.Services {
			measure(&s.Services[i])
		}
	}
	return s, nil
}

func (o operator) Plan(ctx context.Context, file string) (p *control.Plan, err error) {
	err = o.ask(ctx, func() { p = o.planFrom(file) })
	return p, err
}

// planFrom loads the files, or those of another main file, and compares.
func (d *loop) planFrom(file string) *control.Plan {
	defer giveBack()
	load := d.load
	if file != "" && file != d.hello().Config {
		load = func() (*config.Config, *config.Diagnostics) { return config.Load(file, d.loadOptions()) }
	}
	next, diags := load()
	if diags.HasErrors() {
		return d.planned(&plan{}, nil, nil, diags)
	}
	p := diff(d.running, next)
	return d.planned(&p, d.running, next, diags)
}

func (o operator) Reload(ctx context.Context, by control.Peer) (r *control.Reloaded, err error) {
	err = o.ask(ctx, func() {
		o.audit("reload", "", by)
		r = o.reload()
	})
	return r, err
}

func (o operator) Pause(ctx context.Context, id string, by control.Peer) (*control.Done, error) {
	return o.change(ctx, func() (*control.Done, error) {
		svc, err := o.find(id)
		if err != nil {
			return nil, err
		}
		if svc.gate.Suspended() {
			return done("%s is paused already", svc.id), nil
		}
		o.audit("pause", svc.id, by)
		svc.gate.Suspend()
		for _, l := range o.listenersOf(svc) {
			l.sock.Interrupt()
		}
		return done("%s accepts nobody until superd resume %s; new clients wait in the kernel's queue, and connections that run go on", svc.id, svc.id), nil
	})
}

func (o operator) Resume(ctx context.Context, id string, by control.Peer) (*control.Done, error) {
	return o.change(ctx, func() (*control.Done, error) {
		svc, err := o.find(id)
		if err != nil {
			return nil, err
		}
		if !svc.gate.Suspended() {
			return done("%s is not paused by an operator", svc.id), nil
		}
		o.audit("resume", svc.id, by)
		for _, l := range o.listenersOf(svc) {
			l.sock.Resume() // first, or the listener would be told again and again that it is interrupted
		}
		svc.gate.Resume()
		return done("%s accepts again", svc.id), nil
	})
}

func (o operator) Kick(ctx context.Context, k control.Kick, by control.Peer) (*control.Done, error) {
	return o.change(ctx, func() (*control.Done, error) {
		if k.Connection != 0 {
			return o.kickOne(k.Connection, by)
		}
		return o.kickSource(k.Service, k.Source, by)
	})
}

func (d *loop) kickOne(id uint64, by control.Peer) (*control.Done, error) {
	for _, svc := range d.all() {
		found := false
		svc.live.look(func(c *conn) bool {
			if found = c.id == id; found {
				c.kick()
			}
			return !found
		})
		if found {
			d.audit(fmt.Sprintf("kick %d", id), svc.id, by)
			answer := done("connection %d of %s is ended", id, svc.id)
			answer.Count = 1
			return answer, nil
		}
	}
	return nil, &control.Error{Code: 404, Text: fmt.Sprintf("there is no connection %d now", id)}
}

func (d *loop) kickSource(id string, source netip.Prefix, by control.Peer) (*control.Done, error) {
	n, known := 0, false
	for _, svc := range d.all() {
		if svc.id != id {
			continue
		}
		known = true
		svc.live.look(func(c *conn) bool {
			if source.Contains(c.peer.Addr().Unmap().WithZone("")) {
				c.kick()
				n++
			}
			return true
		})
	}
	if !known {
		_, err := d.find(id)
		return nil, err
	}
	if n > 0 {
		d.audit(fmt.Sprintf("kick --source %s", source), id, by)
	}
	answer := done("connections of %s from %s that are ended: %d", id, source, n)
	answer.Count = n
	return answer, nil
}

// all are the services that may have connections.
func (d *loop) all() []*service {
	all := slices.Clone(d.stillRunning())
	for _, s := range d.running.Services {
		all = append(all, d.services[s.ID])
	}
	return all
}

func (o operator) Events(ctx context.Context, f control.Filter, line func([]byte) error) error {
	return o.host.feed.Read(ctx, f.Follow, func(r event.Reading) error {
		if len(f.Services) > 0 && !slices.Contains(f.Services, r.Event.Service()) ||
			len(f.Verdicts) > 0 && !slices.Contains(f.Verdicts, r.Event.Verdict()) {
			return nil
		}
		if !f.Whole {
			r = r.Bare()
		}
		return line(r.Line(!f.Text))
	})
}

// change has the loop do what may fail.
func (o operator) Bans(context.Context) (*control.Bans, error) {
	b := &control.Bans{Version: control.Version, Bans: []control.Ban{}}
	for _, ban := range o.host.bans.List(time.Now()) {
		shown := control.Ban{Source: ban.Source, Sensor: ban.Sensor, Since: ban.Since, Hits: ban.Hits}
		if !ban.Until.IsZero() {
			shown.Until = &ban.Until
		}
		b.Bans = append(b.Bans, shown)
	}
	return b, nil
}

func (o operator) Unban(ctx context.Context, source netip.Prefix, by control.Peer) (*control.Done, error) {
	return o.change(ctx, func() (*control.Done, error) {
		what, n := control.All, 0
		if source.IsValid() {
			what, n = source.String(), o.host.bans.Lift(source)
		} else {
			n = o.host.bans.LiftAll()
		}
		if n == 0 {
			return done("nobody of %s is banned", what), nil
		}
		o.audit("unban "+what, "", by)
		o.host.say(event.Unban(what, n))
		o.host.bans.save()
		d := done("%d bans are lifted", n)
		if n == 1 {
			d.Text = "1 ban is lifted"
		}
		return d, nil
	})
}

func (o operator) change(ctx context.Context, do func() (*control.Done, error)) (d *control.Done, err error) {
	if asked := o.ask(ctx, func() { d, err = do() }); asked != nil {
		return nil, asked
	}
	return d, err
}

func done(format string, args ...any) *control.Done {
	return &control.Done{Version: control.Version, Text: fmt.Sprintf(format, args...)}
}

// audit says who changed what.
func (d *loop) audit(action, service string, by control.Peer) {
	d.host.say(event.Control(action, service, by.Uid, by.Pid))
}

func (d *loop) listenersOf(svc *service) (all []*listener) {
	for _, l := range d.sockets {
		if l.svc == svc {
			all = append(all, l)
		}
	}
	return all
}
