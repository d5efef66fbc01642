package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// maxPorts bounds a range of ports: each is a socket.
const maxPorts = 1024

// parsePort reads "21", "7000-7009" or, through named, "ftp".
func parsePort(text string, named func(string) (uint16, bool)) (first, last int, err error) {
	from, to, isRange := strings.Cut(text, "-")
	a, ok1 := portNumber(from)
	b, ok2 := portNumber(to)
	switch {
	case isRange && ok1 && ok2:
		if b < a || b-a >= maxPorts {
			return 0, 0, fmt.Errorf("a range goes up and has at most %d ports", maxPorts)
		}
		first, last = a, b
	case !isRange && ok1:
		first, last = a, a
	default:
		p, ok := named(text)
		if !ok {
			return 0, 0, fmt.Errorf("%q is not a port: write its number, a range \"7000-7009\", or a name of /etc/services", text)
		}
		first, last = int(p), int(p)
	}
	if first < 1 || last > math.MaxUint16 {
		return 0, 0, fmt.Errorf("a port is from 1 to %d", math.MaxUint16)
	}
	return first, last, nil
}

func portNumber(s string) (int, bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return math.MaxInt32, true
	}
	return n, true
}

// isPortName reports whether s looks like a name of services(5).
func isPortName(s string) bool {
	return s != "" && !strings.ContainsAny(s, " \t#/,") && strings.Trim(s, "0123456789-") != ""
}

// ports are the ports of a service: as written, else by its name. Nil: a problem was reported, or only the target machine knows.
func (l *loader) ports(s *spec) []uint16 {
	named := func(name string) (uint16, bool) { return l.machine.port(name, s.protocol) }
	text := s.port
	switch {
	case s.has("port") && text == "":
		return nil // its value was refused
	case s.unlisted && text == "":
		l.diags.errorf(s.header(), "No port", `A service of type "UNLISTED" needs its port, for example port = 7000.`)
		return nil
	case text == "":
		text = s.Name
	}
	if l.opt.Portable && isPortName(text) {
		if _, listed := named(text); !listed {
			return nil
		}
	}
	first, last, err := parsePort(text, named)
	switch {
	case err != nil && s.port == "":
		l.diags.errorf(s.header(), "No port", "%q with protocol %q is not in /etc/services. Write its port, for example port = 7000.", s.Name, s.protocol)
	case err != nil:
		l.diags.errorf(s.at("port"), "Bad port", "%s.", upper(err.Error()))
	default:
		return l.offset(s, first, last)
	}
	return nil
}

// offset adds Options.PortOffset.
func (l *loader) offset(s *spec, first, last int) []uint16 {
	first, last = first+l.opt.PortOffset, last+l.opt.PortOffset
	if first < 1 || last > math.MaxUint16 {
		l.diags.errorf(s.at("port"), "Port out of range", "With the port offset of %d the port becomes %d; ports end at %d.", l.opt.PortOffset, last, math.MaxUint16)
		return nil
	}
	ports := make([]uint16, 0, last-first+1)
	for p := first; p <= last; p++ {
		ports = append(ports, uint16(p))
	}
	return ports
}

// upper begins an error's text as a sentence.
func upper(s string) string {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return s
	}
	return string(s[0]-'a'+'A') + s[1:]
}
