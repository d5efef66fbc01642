package config

import (
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// target is `redirect` as written: a host, and a port whose name is not looked up yet.
type target struct {
	host string
	port string
}

func redirect() Kind {
	return pair("list of a host and a port", func(c cell, s *spec, host, port cell) {
		t := target{}
		var ok bool
		if t.host, ok = host.targetHost(); !ok {
			return
		}
		if t.port, ok = port.targetPort(); ok {
			s.redirect = t
		}
	})
}

// targetHost is an address without brackets, or the name of a host.
func (c cell) targetHost() (string, bool) {
	text, ok := c.text()
	if !ok {
		c.errorf("Wrong type", "The host of %q is a string, for example %s = %s.", c.attr.Name, c.attr.Name, c.attr.Example)
		return "", false
	}
	if inner, ok := strings.CutPrefix(text, "["); ok {
		text = strings.TrimSuffix(inner, "]")
	}
	if addr, err := netip.ParseAddr(text); err == nil {
		return addr.Unmap().String(), true
	}
	name, err := hostName(text)
	if err == nil && strings.HasPrefix(name, ".") {
		c.errorf("Bad host", "%q is a domain; a connection goes to one host.", text)
		return "", false
	}
	if err != nil {
		c.errorf("Bad host", "%q: %s.", text, err)
		return "", false
	}
	return name, true
}

func (c cell) targetPort() (string, bool) {
	text, ok := c.text()
	if n, isNumber := c.integer(); isNumber {
		text, ok = strconv.FormatInt(n, 10), true
	}
	if !ok {
		c.errorf("Wrong type", "The port of %q is a number or a name of /etc/services, for example %s = %s.", c.attr.Name, c.attr.Name, c.attr.Example)
		return "", false
	}
	anyName := func(name string) (uint16, bool) { return 1, isPortName(name) }
	first, last, err := parsePort(text, anyName)
	if err == nil && first != last {
		c.errorf("Bad port", "A connection goes to one port, not to a range.")
		return "", false
	}
	if err != nil {
		c.errorf("Bad port", "%s.", upper(err.Error()))
		return "", false
	}
	return text, true
}

// idleDgram is max_idle of a dgram redirection that says none: there is nothing else to tell when a peer is done.
const idleDgram = time.Minute

// redirected resolves a service that hands its clients on to another host.
func (l *loader) redirected(s *spec) {
	for _, name := range []string{"server", "server_args"} {
		if s.has(name) {
			l.diags.errorf(s.at(name), "Server of a redirection", `A service with "redirect" has no %s: leave out one of the two.`, name)
		}
	}
	if s.Wait {
		l.diags.errorf(s.at("wait"), "Wait of a redirection", "A redirection serves many clients at once: write wait = false.")
	}
	if s.nameInArgs {
		l.diags.errorf(s.at("flags"), "Flag without a program", `"NAMEINARGS" is about server_args, and a redirection has none.`)
	}
	s.Wait, s.Program = false, Program{}
	if !s.ok("redirect") {
		return
	}
	r := &Redirect{Host: s.redirect.host, Connect: s.connectTimeout, Idle: s.maxIdle}
	if r.Idle == 0 && s.SocketType == Dgram {
		r.Idle = idleDgram
	}
	named := func(name string) (uint16, bool) { return l.machine.port(name, s.protocol) }
	port, _, err := parsePort(s.redirect.port, named)
	if err != nil && !l.opt.Portable {
		l.diags.errorf(s.at("redirect"), "Bad port", "%s.", upper(err.Error()))
	}
	r.Port = uint16(port)
	s.Redirect = r
}

// addr is the target's address where it is written as one, or is a name for this machine that needs no looking up.
func (r *Redirect) addr() (netip.Addr, bool) {
	if r.Host == "localhost" {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1}), true
	}
	a, err := netip.ParseAddr(r.Host)
	return a, err == nil
}

// circles reports redirections that lead back to themselves, directly or by way of others: each connection would make
// another one until nothing is left. What only a resolver knows is seen when it happens.
func (l *loader) circles(resolved []*spec) {
	redirections := make([]*spec, 0, len(resolved))
	for _, s := range resolved {
		if s.Redirect != nil {
			redirections = append(redirections, s)
		}
	}
	for _, start := range redirections {
		at := start
		for range redirections {
			if at = l.next(at, redirections); at == nil {
				break
			}
			if at != start {
				continue
			}
			l.diags.errorf(start.at("redirect"), "Endless redirection", "%s port %d leads back to this service. Write another host or port.", start.Redirect.Host, start.Redirect.Port)
			break
		}
	}
}

// next is the redirection that a redirection's target is, if it is one.
func (l *loader) next(from *spec, among []*spec) *spec {
	addr, ok := from.Redirect.addr()
	if !ok {
		return nil
	}
	for _, s := range among {
		if s.SocketType != from.SocketType {
			continue
		}
		for _, e := range s.Endpoints {
			if e.Addr.Port() == from.Redirect.Port && l.reaches(addr, e) {
				return s
			}
		}
	}
	return nil
}

// reaches reports whether what this machine sends to addr comes to the endpoint.
func (l *loader) reaches(addr netip.Addr, e Endpoint) bool {
	at := e.Addr.Addr()
	switch {
	case at == addr:
		return true
	case !at.IsUnspecified(), addr.Is4() && at.Is6() && e.V6Only, addr.Is6() && at.Is4():
		return false
	}
	return addr.IsLoopback() || addr.IsUnspecified() || l.machine.hasAddress(addr)
}
