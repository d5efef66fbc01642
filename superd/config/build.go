package config

import (
	"cmp"

	"github.com/zclconf/go-cty/cty"
)

// build makes a Config of the blocks that were read, and is of use only when no error was reported.
func (l *loader) build() *Config {
	c := &Config{Includes: l.patterns}
	for _, f := range l.files {
		c.Files = append(c.Files, f.abs)
	}
	base := l.base()
	defaults, values := base, map[string]cty.Value(nil)
	if l.defaults != nil {
		defaults = base.in(l.defaults)
		values = l.decode(defaults, InDefaults, noVariables)
	}
	c.Daemon = l.buildDaemon(base)

	scope := l.scope(values)
	specs := make([]*spec, len(l.services))
	for i, it := range l.services {
		s := defaults.in(it)
		s.Name = it.block.Labels[0]
		s.At = it.position()
		l.decode(s, InService, scope)
		s.ID = cmp.Or(s.ID, s.Name)
		specs[i] = s
	}
	l.choose(defaults, specs)
	l.identities(specs)
	var resolved []*spec
	for _, s := range specs {
		switch {
		case s.disable:
			c.Disabled = append(c.Disabled, s.ID)
		case !s.src.torn:
			l.resolve(s)
			resolved = append(resolved, s)
			service := s.Service // by itself, so that the spec can go
			c.Services = append(c.Services, &service)
		}
	}
	l.conflicts(resolved)
	return c
}

// in starts the spec of a block as a copy.
func (s *spec) in(it *item) *spec {
	n := *s
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
	d := Daemon{Watch: s.watch, Grace: s.Grace, Log: Log{Target: s.Log.Target}}
	d.Log.Target.JSON = s.jsonLog
	return d
}
