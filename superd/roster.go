package superd

import (
	"maps"
	"slices"

	"superd/superd/config"
)

// roster is what runs, for those who look at it from other goroutines than the supervisor's. It is never changed: the
// supervisor publishes a new one after each change.
type roster struct {
	config    *config.Config
	services  []*service     // those of config.Services, in the same order
	listeners []*listener    // one for each open socket
	missing   map[string]int // service id → endpoints that wait for their port; nil: none do
}

// ailing are the services of which a listener does not serve for a while.
func (r *roster) ailing() map[*service]bool {
	var services map[*service]bool
	for _, l := range r.listeners {
		if l.ailing.Load() == nil {
			continue
		}
		if services == nil {
			services = map[*service]bool{}
		}
		services[l.svc] = true
	}
	return services
}

// publish makes the state of the supervisor what others see.
func (s *supervisor) publish() {
	r := &roster{config: s.running, services: make([]*service, len(s.running.Services)), listeners: slices.Collect(maps.Values(s.sockets))}
	for i, configured := range s.running.Services {
		r.services[i] = s.services[configured.ID]
		if len(s.missing) == 0 {
			continue
		}
		for _, e := range configured.Endpoints {
			if s.missing[e] == nil {
				continue
			}
			if r.missing == nil {
				r.missing = map[string]int{}
			}
			r.missing[configured.ID]++
		}
	}
	s.host.roster.Store(r)
	s.host.registrar.want(s.registrations())
}
