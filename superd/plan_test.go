package superd

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"superd/superd/config"
)

// sample is a service that listens on 127.0.0.1 at these ports.
func sample(id string, instances int, ports ...uint16) *config.Service {
	s := &config.Service{ID: id, Name: id, Limits: config.Limits{Instances: instances}}
	for _, p := range ports {
		s.Endpoints = append(s.Endpoints, at(p))
	}
	return s
}

func at(port uint16) config.Endpoint {
	return config.Endpoint{Addr: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port)}
}

func TestDiff(t *testing.T) {
	running := &config.Config{Services: []*config.Service{sample("a", 1, 1), sample("b", 1, 2, 3)}}
	for _, test := range []struct {
		name    string
		running *config.Config
		wanted  []*config.Service
		says    string
		release []uint16
	}{
		{"start", nil, []*config.Service{sample("a", 1, 1)}, "open a", nil},
		{"nothing", running, []*config.Service{sample("a", 1, 1), sample("b", 1, 2, 3)}, "keep 2", nil},
		{"order does not matter", running, []*config.Service{sample("b", 1, 2, 3), sample("a", 1, 1)}, "keep 2", nil},
		{"limit", running, []*config.Service{sample("a", 9, 1), sample("b", 1, 2, 3)}, "retune a (instances); keep 1", nil},
		{"port moves", running, []*config.Service{sample("a", 1, 4), sample("b", 1, 2, 3)}, "retune a (port); keep 1", []uint16{1}},
		{"ports swapped", running, []*config.Service{sample("a", 1, 2, 3), sample("b", 1, 1)}, "retune a (port), b (port)", nil},
		{"gone", running, []*config.Service{sample("a", 1, 1)}, "retire b; keep 1", []uint16{2, 3}},
		{"new name, old port", running, []*config.Service{sample("c", 1, 1), sample("b", 1, 2, 3)}, "open c; retire a; keep 1", nil},
		{"all gone", running, nil, "retire a, b", []uint16{1, 2, 3}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := diff(test.running, &config.Config{Services: test.wanted})
			if p.String() != test.says {
				t.Errorf("the plan says %q, not %q", p.String(), test.says)
			}
			if !slices.Equal(p.release, endpoints(test.release)) {
				t.Errorf("it releases %v, not %v", p.release, test.release)
			}
			if same := len(p.open)+len(p.retune)+len(p.retire) == 0; p.empty() != same {
				t.Errorf("empty is %v", p.empty())
			}
		})
	}
}

func endpoints(ports []uint16) []config.Endpoint {
	var all []config.Endpoint
	for _, p := range ports {
		all = append(all, at(p))
	}
	return all
}

func TestPlanNamesAreBounded(t *testing.T) {
	var many []*config.Service
	for i := range 1000 {
		many = append(many, sample(fmt.Sprintf("s%d", i), 1, uint16(i+1)))
	}
	p := diff(nil, &config.Config{Services: many})
	if text := p.String(); len(text) > 200 {
		t.Errorf("the plan says %d bytes: %s", len(text), text)
	}
}
