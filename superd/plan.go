package superd

import (
	"fmt"
	"strings"

	"superd/superd/config"
)

// plan is what a reload changes, by service and by endpoint. It is made by diff alone, which touches nothing.
type plan struct {
	open   []*config.Service // new
	keep   []*config.Service // unchanged
	retune []retuning        // same service, other attributes
	retire []*config.Service // gone

	release []config.Endpoint // to be closed
}

type retuning struct {
	service    *config.Service // as wanted
	was        *config.Service
	attributes []string // what differs
}

// diff compares the running configuration, nil at start, with the wanted one.
func diff(running, wanted *config.Config) plan {
	if running == nil {
		running = &config.Config{}
	}
	var p plan
	old := make(map[string]*config.Service, len(running.Services))
	for _, s := range running.Services {
		old[s.ID] = s
	}
	var before []*config.Service // what changes, as it was
	used := map[config.Endpoint]bool{}
	for _, s := range wanted.Services {
		was := old[s.ID]
		delete(old, s.ID)
		switch {
		case was == nil:
			p.open = append(p.open, s)
		case was.Equal(s):
			p.keep = append(p.keep, s)
			continue // with its endpoints, which no other service has
		default:
			p.retune = append(p.retune, retuning{s, was, config.Changes(was, s)})
			before = append(before, was)
		}
		for _, e := range s.Endpoints {
			used[e] = true
		}
	}
	for _, s := range running.Services {
		if old[s.ID] != nil {
			p.retire = append(p.retire, s)
		}
	}
	for _, s := range append(before, p.retire...) {
		for _, e := range s.Endpoints {
			if !used[e] {
				p.release = append(p.release, e)
			}
		}
	}
	return p
}

// empty reports whether nothing changes.
func (p *plan) empty() bool {
	return len(p.open)+len(p.retune)+len(p.retire) == 0
}

// listLimit bounds how many services a summary names; the rest are counted.
const listLimit = 20

// String says in one line what changes: "open ssh; retune ftp (instances, cps); retire tftp; keep 12".
func (p *plan) String() string {
	var parts []string
	part := func(verb string, n int, name func(i int) string) {
		if n == 0 {
			return
		}
		names := make([]string, 0, min(n, listLimit))
		for i := range min(n, listLimit) {
			names = append(names, name(i))
		}
		text := verb + " " + strings.Join(names, ", ")
		if n > listLimit {
			text += fmt.Sprintf(" and %d more", n-listLimit)
		}
		parts = append(parts, text)
	}
	part("open", len(p.open), func(i int) string { return p.open[i].ID })
	part("retune", len(p.retune), func(i int) string {
		return p.retune[i].service.ID + " (" + strings.Join(p.retune[i].attributes, ", ") + ")"
	})
	part("retire", len(p.retire), func(i int) string { return p.retire[i].ID })
	if len(p.keep) > 0 {
		parts = append(parts, fmt.Sprintf("keep %d", len(p.keep)))
	}
	return strings.Join(parts, "; ")
}
