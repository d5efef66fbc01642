package config

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// place is one word of bind: an address, or the wildcard address on a device.
type place struct {
	addr   netip.Addr // invalid: the wildcard address of the service's families
	device string
	at     hcl.Range
}

func bindKind() Kind {
	return Kind{Type: listType + "strings", set: func(c cell, s *spec) {
		words, ok := c.texts()
		if !ok {
			return
		}
		if len(words) > maxPlaces {
			c.errorf("List too long", "%q has %d elements; at most %d are allowed.", c.attr.Name, len(words), maxPlaces)
			return
		}
		places := make([]place, 0, len(words))
		for _, w := range words {
			p, err := parsePlace(w.text, c.machine.hasInterface)
			if err != nil {
				c.on(w).errorf("Bad address", "%q: %s.", w.text, err)
			}
			p.at = w.at
			places = append(places, p)
		}
		s.bind = places
	}}
}

var (
	interfaceName = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[0-9]+)?$`)
	startsAddress = regexp.MustCompile(`^[0-9]+\.`)
)

const (
	maxDevice = 15 // IFNAMSIZ without its NUL: netdevice(7)
	maxPlaces = 64
)

// parsePlace reads one word of bind. exists tells an interface's name from a host's; a host name is refused,
// since a server must not depend on DNS to start.
func parsePlace(text string, exists func(string) bool) (place, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return place{addr: addr.Unmap()}, nil
	}
	switch {
	case text == "*":
		return place{}, errors.New(`for every address leave bind out`)
	case strings.EqualFold(text, "localhost"):
		return place{}, errors.New(`this is a host name: write bind = ["127.0.0.1", "::1"]`)
	case strings.HasPrefix(text, "["):
		return place{}, fmt.Errorf("write the address without brackets: %q", strings.Trim(text, "[]"))
	case strings.Contains(text, "/"):
		return place{}, errors.New("bind takes an address, not a range: for a range see only_from; for an address leave the slash and what follows out")
	case exists(text):
		return place{device: text}, nil
	case startsAddress.MatchString(text):
		return place{}, errors.New("this is not a whole address: it has four numbers from 0 to 255")
	case interfaceName.MatchString(text) && len(text) <= maxDevice:
		return place{device: text}, nil
	}
	return place{}, errors.New("this is neither an address nor an interface; a host name cannot stand here, since superd must start without DNS: write its address")
}

// families are the wildcard endpoints of a service that names no address.
func (s *spec) families() []Endpoint {
	v4 := Endpoint{SocketType: s.SocketType, Addr: netip.AddrPortFrom(netip.IPv4Unspecified(), 0)}
	v6 := Endpoint{SocketType: s.SocketType, Addr: netip.AddrPortFrom(netip.IPv6Unspecified(), 0)}
	if s.ipv4 && !s.ipv6 {
		return []Endpoint{v4}
	}
	v6.V6Only = s.v6only
	return []Endpoint{v6}
}

// endpoints is every place of bind with every port.
func (l *loader) endpoints(s *spec, ports []uint16) []Endpoint {
	var wanted []Endpoint
	for _, p := range s.bind {
		wanted = append(wanted, l.endpointsAt(s, p)...)
	}
	if len(s.bind) == 0 {
		wanted = s.families()
	}
	apart(wanted)
	all := make([]Endpoint, 0, len(wanted)*len(ports))
	seen := make(map[Endpoint]struct{}, len(wanted))
	for _, e := range wanted {
		if _, twice := seen[e]; twice {
			continue
		}
		seen[e] = struct{}{}
		for _, port := range ports {
			e.Addr = netip.AddrPortFrom(e.Addr.Addr(), port)
			all = append(all, e)
		}
	}
	return all
}

func (l *loader) endpointsAt(s *spec, p place) []Endpoint {
	if p.device != "" {
		if !l.opt.Portable && !l.machine.hasInterface(p.device) {
			l.diags.warnf(p.at, "No such interface", "There is no interface %q now. superd waits for it; if this is a host's name, write its address.", p.device)
		}
		f := s.families()
		for i := range f {
			f[i].Device = p.device
		}
		return f
	}
	if s.ipv4 != s.ipv6 && p.addr.Is4() != s.ipv4 {
		l.diags.errorf(p.at, "Address of the other family", "flags = [%q] leaves this address out.", map[bool]string{true: "IPv4", false: "IPv6"}[s.ipv4])
		return nil
	}
	return []Endpoint{{
		SocketType: s.SocketType, Addr: netip.AddrPortFrom(p.addr, 0),
		V6Only: p.addr == netip.IPv6Unspecified() && s.v6only,
	}}
}

// apart makes [::] leave IPv4 to a 0.0.0.0 beside it; the two would not bind otherwise.
func apart(all []Endpoint) {
	has4 := false
	for _, e := range all {
		has4 = has4 || e.Addr.Addr() == netip.IPv4Unspecified()
	}
	for i := range all {
		if has4 && all[i].Addr.Addr() == netip.IPv6Unspecified() {
			all[i].V6Only = true
		}
	}
}
