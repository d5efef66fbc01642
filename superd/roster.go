package superd

import (
	"superd/superd/config"
)

// roster is what runs, for those who look at it from other goroutines than the supervisor's. It is never changed: the
// supervisor publishes a new one after each change.
type roster struct {
	config   *config.Config
	services []*service     // those of config.Services, in the same order
	sockets  int            // open
	missing  map[string]int // service id → endpoints that wait for their port; nil: none do
}

// publish makes the state of the supervisor what others see.
func (s *supervisor) publish() {
	r := &roster{config: s.running, sockets: len(s.sockets), services: make([]*service, len(s.running.Services))}
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
