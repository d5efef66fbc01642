package config

import (
	"path/filepath"

	"superd/services"
)

// resolve completes s.Service from what its author wrote.
func (l *loader) resolve(s *spec) {
	l.sockets(s)
	switch {
	case s.sensor:
		l.sensor(s)
	case s.internal:
		l.builtin(s)
	case s.has("redirect"):
		l.redirected(s)
	default:
		l.program(s)
	}
	if s.Mux != NoMux {
		l.muxed(s)
	} else if s.isRPC && s.port == "" && s.protocol != "" {
		s.Endpoints = l.anyPort(s)
	} else if s.protocol != "" && (s.Builtin != "" || !s.internal) {
		s.Endpoints = l.endpoints(s, l.ports(s))
	}
	if s.isRPC {
		l.registered(s)
	}
	if s.IDOnly && (s.SocketType != Stream || s.Wait) {
		l.diags.errorf(s.at("flags"), "Nobody to ask", `"IDONLY" is about the connections that superd accepts: a stream service with wait = false.`)
	}
	if s.Labeled {
		l.labeled(s)
	}
	if s.intercept {
		l.intercepted(s)
	}
	l.banners(s)
	l.libwrap(s)
	s.Log.Target.Format, s.Log.Target.Redact = s.logFormat, s.logRedact
	if s.SocketType == Stream && s.Wait && !s.intercept && (s.Access.Restricted || len(s.Access.NoAccess) > 0) {
		l.diags.warnf(s.at("only_from", "no_access"), "No access control",
			"With wait = true and a stream socket the program accepts the connections, so superd cannot see who comes. The flag \"INTERCEPT\" has the kernel look at the addresses.")
	}
}

// sockets infers socket_type and protocol from each other.
func (l *loader) sockets(s *spec) {
	protocolOf := map[string]string{"stream": "tcp", "dgram": "udp"}
	switch {
	case !s.ok("socket_type") || !s.ok("protocol"):
		return
	case s.socketType == "" && s.protocol == "" && !s.lacks("socket_type"):
	case s.socketType == "" && s.protocol == "":
		l.diags.errorf(s.header(), "No socket_type", `Write socket_type = "stream" for TCP, or socket_type = "dgram" for UDP.`)
	case s.socketType == "" && s.protocol == "udp":
		s.socketType = "dgram"
	case s.socketType == "":
		s.socketType = "stream"
	case s.protocol == "":
		s.protocol = protocolOf[s.socketType]
	case s.protocol != protocolOf[s.socketType]:
		l.diags.errorf(s.at("protocol"), "Wrong protocol", "socket_type = %q goes with protocol = %q.", s.socketType, protocolOf[s.socketType])
	}
	if s.socketType == "dgram" {
		s.SocketType = Dgram
	}
}

// builtin resolves a service that superd answers itself. Its user and groups mean nothing, and wait nothing to a dgram builtin.
func (l *loader) builtin(s *spec) {
	b, ok := services.Lookup(s.Name)
	switch {
	case !ok:
		var names []string
		for _, b := range services.All() {
			names = append(names, b.Name)
		}
		l.diags.errorf(s.header(), "Unknown builtin", "superd has no builtin %q.%s The builtins are %s.", s.Name, didYouMean(s.Name, names), quoted(names))
		return
	case s.SocketType == Stream && !b.Streams(), s.SocketType == Dgram && b.Dgram == nil:
		l.diags.errorf(s.header(), "Unknown builtin", "The builtin %q does not speak %s.", s.Name, s.protocol)
	}
	for _, name := range []string{"server", "server_args", "redirect"} {
		if s.has(name) {
			l.diags.errorf(s.at(name), "Server of a builtin", `A service of type "INTERNAL" has no %s: leave out one of the two.`, name)
		}
	}
	if s.SocketType == Stream && s.Wait {
		l.diags.errorf(s.at("wait"), "Wait of a builtin", "A stream builtin serves many connections at once: write wait = false.")
	}
	s.Builtin, s.Wait, s.Program = b.Name, false, Program{}
}

// libwrap finds the name that the service has in hosts.allow and hosts.deny.
func (l *loader) libwrap(s *spec) {
	switch {
	case s.noLibwrap && s.has("libwrap"):
		l.diags.warnf(s.at("libwrap"), "Unused libwrap", `With the flag "NOLIBWRAP" hosts.allow and hosts.deny are not asked.`)
		fallthrough
	case s.noLibwrap, s.RPC != nil && s.SocketType == Stream && s.Libwrap == "": // as xinetd does
		s.Libwrap = ""
	case s.Libwrap != "":
	case s.server != "" && len(s.Program.Args) > 0:
		s.Libwrap = filepath.Base(s.Program.Args[0])
	default:
		s.Libwrap = s.Name
	}
}

// banners reads the files.
func (l *loader) banners(s *spec) {
	names := [...]string{"banner", "banner_success", "banner_fail"}
	to := [...]*[]byte{&s.Banner, &s.BannerSuccess, &s.BannerFail}
	for i, path := range s.banner {
		if path == "" || l.opt.Portable {
			continue
		}
		text, err := l.machine.banner(path)
		if err != nil {
			l.diags.warnf(s.at(names[i]), "No banner", "%s: %s. The service goes without.", path, because(err))
			continue
		}
		*to[i] = text
	}
}
