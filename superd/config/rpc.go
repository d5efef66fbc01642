package config

import (
	"math"
	"strconv"
	"strings"
)

// RPC is what a service registers with rpcbind: a program, and the versions from Low to High.
type RPC struct {
	Program   uint32
	Low, High uint32
}

// maxVersions bounds a range of versions: each is registered by itself.
const maxVersions = 64

func rpcVersion() Kind {
	return Kind{Type: "string or number", set: func(c cell, s *spec) {
		text, ok := c.text()
		if n, isNumber := c.integer(); isNumber {
			text, ok = strconv.FormatInt(n, 10), true
		}
		if !ok {
			c.mistyped()
			return
		}
		from, to, isRange := strings.Cut(text, "-")
		if !isRange {
			to = from
		}
		low, err1 := strconv.ParseUint(from, 10, 32)
		high, err2 := strconv.ParseUint(to, 10, 32)
		if err1 != nil || err2 != nil || high < low || high-low >= maxVersions {
			c.errorf("Bad version", `%q is not a version, such as 3, or a range of at most %d, such as "2-4".`, text, maxVersions)
			return
		}
		s.rpc.Low, s.rpc.High = uint32(low), uint32(high)
	}}
}

func rpcNumber() Kind {
	return Kind{Type: "whole number", set: func(c cell, s *spec) {
		if n, ok := c.within(1, math.MaxUint32); ok {
			s.rpc.Program = uint32(n)
		}
	}}
}

// registered checks a service that is registered with rpcbind.
func (l *loader) registered(s *spec) {
	if s.lacks("rpc_version") {
		l.diags.errorf(s.header(), "No rpc_version", `A service of type "RPC" needs the versions that its program speaks, for example rpc_version = "2-3".`)
	}
	if s.internal || s.has("redirect") || s.Mux != NoMux {
		l.diags.errorf(s.at("type"), "RPC without a program", `"RPC" is for a program on a port of its own: leave it out.`)
	}
	rpc := s.rpc
	if rpc.Program == 0 && s.ok("rpc_number") {
		number, known := l.machine.rpc(s.Name)
		switch {
		case known && !s.unlisted:
			rpc.Program = number
		case s.unlisted:
			l.diags.errorf(s.header(), "No rpc_number", `A service of type "RPC" and "UNLISTED" needs its program's number, for example rpc_number = 100300.`)
		case !l.opt.Portable:
			l.diags.errorf(s.header(), "No rpc_number", "%q is not in /etc/rpc. Write its program's number, for example rpc_number = 100300.", s.Name)
		}
	}
	s.RPC = &rpc
	families := [2]int{}
	for _, e := range s.Endpoints {
		if e.Addr.Addr().Is4() {
			families[0]++
		} else {
			families[1]++
		}
	}
	if families[0] > 1 || families[1] > 1 {
		l.diags.errorf(s.at("port", "bind"), "Several addresses", "rpcbind keeps one address of each family for a program: write one port, and at most one IPv4 and one IPv6 address.")
	}
}

// anyPort are a service's endpoints on ports that the kernel chooses: rpcbind tells the clients.
func (l *loader) anyPort(s *spec) []Endpoint {
	all := l.endpoints(s, []uint16{0})
	for i := range all {
		all[i].Any = s.ID
	}
	return all
}

// rpc finds a program's number by a name of rpc(5), or else of those that are well known.
func (m *machine) rpc(name string) (uint32, bool) {
	n, err := ask(m, question{aboutRPC, name}, func() (uint32, error) {
		if m.programs == nil {
			m.programs = make(map[string]uint32)
			if !m.portable {
				m.readPrograms("/etc/rpc")
			}
		}
		if n, ok := m.programs[name]; ok {
			return n, nil
		}
		if n, ok := wellKnownPrograms[strings.TrimPrefix(name, "rpc.")]; ok {
			return n, nil
		}
		return 0, errUnknown
	})
	return n, err == nil
}

// readPrograms reads rpc(5). Of several lines for a name the first counts.
func (m *machine) readPrograms(path string) {
	for fields := range database(path) {
		if len(fields) < 2 {
			continue
		}
		n, err := strconv.ParseUint(fields[1], 10, 32)
		if err != nil || n == 0 {
			continue
		}
		for i, name := range fields {
			if _, ok := m.programs[name]; i != 1 && !ok {
				m.programs[name] = uint32(n)
			}
		}
	}
}

// wellKnownPrograms serves a machine without /etc/rpc.
var wellKnownPrograms = map[string]uint32{
	"rstatd": 100001, "rstat": 100001, "rusersd": 100002, "rusers": 100002, "nfs": 100003, "mountd": 100005, "mount": 100005,
	"walld": 100008, "rwall": 100008, "rwalld": 100008, "rquotad": 100011, "rquota": 100011, "sprayd": 100012, "spray": 100012,
	"rexd": 100017, "ttdbserverd": 100083, "kcms_server": 100221, "cmsd": 100068, "status": 100024,
	"sgi_fam": 391002, "fam": 391002,
}
