package config

import (
	"fmt"
	"net/netip"
)

// use is a service's claim on an endpoint.
type use struct {
	at      Endpoint
	service *spec
}

// portUses is all uses of one port by one kind of socket.
type portUses struct {
	wildcards []use
	specific  []use
	addresses map[netip.Addr][]use // specific by address, once there are more than a few
}

const few = 8

type portKey struct {
	socket SocketType
	port   uint16
}

// conflicts reports services that would want the same socket. Only wildcards need comparing with all others, and there are few
// that do not conflict with one another.
func (l *loader) conflicts(resolved []*spec) {
	ports := make(map[portKey]*portUses)
	for _, service := range resolved {
		for _, e := range service.Endpoints {
			if e.Any != "" {
				continue
			}
			key := portKey{e.SocketType, e.Addr.Port()}
			uses := ports[key]
			if uses == nil {
				uses = new(portUses)
				ports[key] = uses
			}
			mine := use{e, service}
			other, ok := uses.overlap(mine)
			if !ok {
				uses.add(mine)
				continue
			}
			if other.service == service {
				continue // interfaces and addresses of one machine may coincide; the kernel will say
			}
			l.diags.errorf(service.at("port", "bind"), "Endpoint in use", "%s", overlapText(mine, other))
			break // one of a range of ports is enough
		}
	}
}

func overlapText(mine, other use) string {
	if mine.at == other.at {
		return fmt.Sprintf("%s belongs to the service %q at %s. Give one of them another port or bind.", mine.at, other.service.ID, other.service.At)
	}
	return fmt.Sprintf("%s overlaps with %s of the service %q at %s. Give one of them another port or bind.", mine.at, other.at, other.service.ID, other.service.At)
}

func (p *portUses) add(u use) {
	if u.at.Addr.Addr().IsUnspecified() {
		p.wildcards = append(p.wildcards, u)
		return
	}
	p.specific = append(p.specific, u)
	switch {
	case p.addresses != nil:
		p.index(u)
	case len(p.specific) > few:
		p.addresses = make(map[netip.Addr][]use)
		for _, s := range p.specific {
			p.index(s)
		}
	}
}

func (p *portUses) index(u use) {
	a := u.at.Addr.Addr()
	p.addresses[a] = append(p.addresses[a], u)
}

// near are the specific uses among which those of the address are.
func (p *portUses) near(a netip.Addr) []use {
	if p.addresses == nil {
		return p.specific
	}
	return p.addresses[a]
}

// overlap finds a use that the kernel would not grant beside u. A datagram goes to the most specific socket, so only sockets as
// specific as each other are in one another's way; a connection has no such choice.
func (p *portUses) overlap(u use) (use, bool) {
	a := u.at.Addr.Addr()
	for _, w := range p.wildcards {
		if covers(w.at, u.at) && (a.IsUnspecified() || u.at.SocketType == Stream) {
			return w, true
		}
	}
	if !a.IsUnspecified() {
		for _, o := range p.near(a) {
			if o.at.Addr == u.at.Addr && sameDevice(o.at, u.at) {
				return o, true
			}
		}
		return use{}, false
	}
	if u.at.SocketType == Dgram {
		return use{}, false
	}
	for _, o := range p.specific {
		if covers(u.at, o.at) {
			return o, true
		}
	}
	return use{}, false
}

// covers reports whether wildcard w takes what comes for e.
func covers(w, e Endpoint) bool {
	if !sameDevice(w, e) {
		return false
	}
	a, b := w.Addr.Addr(), e.Addr.Addr()
	if a.Is4() == b.Is4() {
		return true
	}
	// One is IPv6. An IPv6 address never meets an IPv4 wildcard, an IPv6 wildcard meets IPv4 unless it is v6only.
	if a.Is4() {
		return b.IsUnspecified() && !e.V6Only
	}
	return !w.V6Only
}

// sameDevice reports whether two endpoints meet on some interface.
func sameDevice(a, b Endpoint) bool {
	if a.SocketType == Dgram {
		return a.Device == b.Device
	}
	return a.Device == "" || b.Device == "" || a.Device == b.Device
}
