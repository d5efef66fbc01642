package config

import "strings"

// Mux says whether a service is reached by way of the builtin tcpmux (RFC 1078) instead of a port of its own.
type Mux uint8

const (
	NoMux   Mux = iota
	MuxOwn      // TCPMUX: the program itself says "+" to its client first
	MuxPlus     // TCPMUXPLUS: superd says "+Go" for it
)

// muxed checks a service that is reached by way of tcpmux.
func (l *loader) muxed(s *spec) {
	if s.SocketType != Stream || s.protocol != "" && s.protocol != "tcp" {
		l.diags.errorf(s.at("socket_type", "protocol"), "Wrong protocol", `A service of type "TCPMUX" is TCP: write socket_type = "stream".`)
	}
	if s.Wait {
		l.diags.errorf(s.at("wait"), "Wait without a socket", "A service that is reached by way of tcpmux has no socket of its own to give to its program: write wait = false.")
	}
	if s.has("port") {
		l.diags.warnf(s.at("port"), "No port of its own", `A service of type "TCPMUX" is reached by way of the builtin tcpmux. It does not listen on this port: leave "port" out.`)
	}
	if strings.EqualFold(s.Name, "help") {
		l.diags.errorf(s.header(), "Reserved name", `For tcpmux "help" is the question for the names there are. Give the service another name.`)
	}
	if s.Builtin == "tcpmux" {
		l.diags.errorf(s.header(), "Multiplexer behind itself", `The builtin tcpmux needs a port of its own: leave "TCPMUX" out.`)
	}
	if s.muxBoth {
		l.diags.warnf(s.at("type"), "Two kinds of TCPMUX", `"TCPMUXPLUS" holds: superd says "+Go", and the program need not.`)
	}
}

// muxes checks the services reached by way of tcpmux with one another: clients name them without regard to case.
func (l *loader) muxes(resolved []*spec) {
	var first, mux *spec
	names := make(map[string]*spec)
	for _, s := range resolved {
		if s.disable {
			continue
		}
		if s.Builtin == "tcpmux" {
			mux = s
		}
		if s.Mux == NoMux {
			continue
		}
		if first == nil {
			first = s
		}
		key := strings.ToLower(s.Name)
		if other := names[key]; other != nil {
			l.diags.errorf(s.header(), "Second service of this name", "To clients of tcpmux %q is the same name as that of the service %q at %s. Give one of them another name.", s.Name, other.ID, other.At)
			continue
		}
		names[key] = s
	}
	if first != nil && mux == nil {
		l.diags.warnf(first.header(), "Nobody can come", `Services of type "TCPMUX" are reached by way of the builtin tcpmux, and there is none that is on. Write service "tcpmux" { type = "INTERNAL", socket_type = "stream" }, each attribute on its own line.`)
	}
}
