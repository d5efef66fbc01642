package config

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// build makes a Config of the blocks that were read, and is of use only when no error was reported.
func (l *loader) build() *Config {
	c := &Config{Includes: l.patterns}
	digest := sha256.New()
	for _, f := range l.files {
		c.Files = append(c.Files, f.abs)
		digest.Write(f.text)
		digest.Write([]byte{0}) // no text of a file has one, so the border between two files counts
	}
	c.Hash = hex.EncodeToString(digest.Sum(nil))
	base := l.base()
	defaults, values := base, map[string]cty.Value(nil)
	if l.defaults != nil {
		defaults = base.in(l.defaults)
		values = l.decode(defaults, InDefaults, noVariables)
	}
	c.defaults = l.defaults.defaultsPlace()
	c.Daemon = l.buildDaemon(base)

	scope := l.scope(values)
	specs := make([]*spec, len(l.services))
	for i, it := range l.services {
		specs[i] = l.spec(it, defaults, scope)
	}
	l.together(func() { l.choose(defaults, specs); l.identities(specs) })
	for i, s := range specs {
		if service := l.finish(l.services[i], s); s.disable {
			c.Disabled, c.OffAt = append(c.Disabled, s.ID), append(c.OffAt, l.services[i].position())
		} else {
			c.Services = append(c.Services, service)
		}
	}
	l.together(func() { l.conflicts(specs); l.circles(specs); l.muxes(specs) })
	return c
}

// together notes whether a check of services with one another says anything.
func (l *loader) together(check func()) {
	before := l.diags.reports
	check()
	l.between = l.between || l.diags.reports > before
}

// spec is what the author wrote of a service, or what is known of it.
func (l *loader) spec(it *item, defaults *spec, scope *hcl.EvalContext) *spec {
	if it.known != nil {
		return &spec{Service: it.again(), src: it.src, disable: it.known.disable}
	}
	before := l.diags.reports
	s := defaults.in(it)
	s.Name = it.block.Labels[0]
	s.At = it.position()
	l.decode(s, InService, scope)
	s.ID = cmp.Or(s.ID, s.Name)
	s.origin = originOf(it.block)
	s.noted = l.diags.reports > before
	return s
}

// finish resolves what is not known already.
func (l *loader) finish(it *item, s *spec) *Service {
	switch {
	case it.known != nil:
		return it.known.service
	case s.disable:
		it.learn(s, &Service{ID: s.ID, Name: s.Name, At: s.At})
		return nil
	}
	if !s.src.torn {
		before := l.diags.reports
		l.resolve(s)
		s.noted = s.noted || l.diags.reports > before
	}
	it.learn(s, s.Service)
	return s.Service
}

// in starts the spec of a block as a copy.
func (s *spec) in(it *item) *spec {
	n := *s
	service := *s.Service
	n.Service = &service // by itself, so that the spec can go
	n.src, n.block, n.attrs, n.inherited, n.broken, n.misspelt = it.src, it.block, it.block.Body.Attributes, s, nil, nil
	n.enabled, n.disabled = nil, nil
	return &n
}

func (l *loader) buildDaemon(base *spec) Daemon {
	s := base
	if l.daemon != nil {
		s = base.in(l.daemon)
		l.decode(s, InDaemon, noVariables)
	}
	d := Daemon{Watch: s.watch, Drain: s.drain, Grace: s.Grace, Log: Log{Target: s.Log.Target}, Control: l.control(s), HostsAccess: s.hostsAccess, State: s.state}
	d.Log.Target.Format, d.Log.Target.Redact = s.logFormat, s.logRedact
	return d
}
