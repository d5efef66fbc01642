package config

import (
	"net/netip"
	"reflect"
	"slices"
	"time"
)

// Equal reports whether two services are the same in everything but the places in the files.
func (s *Service) Equal(o *Service) bool {
	if s == o {
		return true
	}
	a, b := *s, *o
	a.At, b.At = "", ""
	a.origin, b.origin = nil, nil
	a.Access.onlyFromLines, b.Access.onlyFromLines = nil, nil
	a.Access.noAccessLines, b.Access.noAccessLines = nil, nil
	return reflect.DeepEqual(a, b)
}

// Changes names the attributes in which two services differ, in the order of aspects: "name" for the word after `service`, and "env" for
// passenv too. It is empty when they are Equal.
func Changes(from, to *Service) []string {
	var names []string
	for _, a := range aspects {
		if !reflect.DeepEqual(a.of(from), a.of(to)) {
			names = append(names, a.attribute)
		}
	}
	if len(names) == 0 && !from.Equal(to) {
		return []string{"bind"} // the same ports and places, combined otherwise
	}
	return names
}

// aspects are the parts of a Service by the attribute that they mostly come from. Together they are all of it but At.
var aspects = []struct {
	attribute string
	of        func(*Service) any
}{
	{"id", func(s *Service) any { return s.ID }},
	{"name", func(s *Service) any { return s.Name }},
	{"type", func(s *Service) any {
		return struct {
			builtin string
			mux     Mux
			rpc     bool
		}{s.Builtin, s.Mux, s.RPC != nil}
	}},
	{"rpc_version", func(s *Service) any {
		if s.RPC == nil {
			return nil
		}
		return [2]uint32{s.RPC.Low, s.RPC.High}
	}},
	{"rpc_number", func(s *Service) any {
		if s.RPC == nil {
			return nil
		}
		return s.RPC.Program
	}},
	{"flags", func(s *Service) any {
		return []bool{s.Socket.Reuse, s.Socket.NoDelay, s.Socket.KeepAlive, s.NoRetry, s.IDOnly, s.Labeled, s.Socket.Peers != nil}
	}},
	{"socket_type", func(s *Service) any { return s.SocketType }},
	{"wait", func(s *Service) any { return s.Wait }},
	{"port", func(s *Service) any {
		return distinct(s.Endpoints, func(e Endpoint) uint16 { return e.Addr.Port() })
	}},
	{"bind", func(s *Service) any {
		type place struct {
			addr   netip.Addr
			socket SocketType
			device string
		}
		return distinct(s.Endpoints, func(e Endpoint) place { return place{e.Addr.Addr(), e.SocketType, e.Device} })
	}},
	{"v6only", func(s *Service) any {
		return distinct(s.Endpoints, func(e Endpoint) bool { return e.V6Only })
	}},
	{"backlog", func(s *Service) any { return s.Socket.Backlog }},
	{"server", func(s *Service) any { return s.Program.Path }},
	{"redirect", func(s *Service) any { return s.Redirect.target() }},
	{"connect_timeout", func(s *Service) any { connect, _ := s.Redirect.times(); return connect }},
	{"max_idle", func(s *Service) any { _, idle := s.Redirect.times(); return idle }},
	{"server_args", func(s *Service) any { return s.Program.Args }},
	{"user", func(s *Service) any {
		if c := s.Program.Credential; c != nil {
			return c.Uid
		}
		return nil
	}},
	{"group", func(s *Service) any {
		if c := s.Program.Credential; c != nil {
			return c.Gid
		}
		return nil
	}},
	{"groups", func(s *Service) any {
		if c := s.Program.Credential; c != nil {
			return c.Groups
		}
		return nil
	}},
	{"env", func(s *Service) any { return s.Program.Env }},
	{"directory", func(s *Service) any { return s.Program.Dir }},
	{"chroot", func(s *Service) any { return s.Program.Chroot }},
	{"umask", func(s *Service) any { return s.Program.Umask }},
	{"nice", func(s *Service) any { return s.Program.Nice }},
	{"rlimit_as", rlimitOf("as")},
	{"rlimit_cpu", rlimitOf("cpu")},
	{"rlimit_data", rlimitOf("data")},
	{"rlimit_files", rlimitOf("files")},
	{"rlimit_rss", rlimitOf("rss")},
	{"rlimit_stack", rlimitOf("stack")},
	{"rlimit_core", rlimitOf("core")},
	{"rlimit_fsize", rlimitOf("fsize")},
	{"rlimit_nproc", rlimitOf("nproc")},
	{"no_new_privs", func(s *Service) any { return s.Program.NoNewPrivs }},
	{"max_lifetime", func(s *Service) any { return s.MaxLifetime }},
	{"grace", func(s *Service) any { return s.Grace }},
	{"banner", func(s *Service) any { return s.Banner }},
	{"banner_success", func(s *Service) any { return s.BannerSuccess }},
	{"banner_fail", func(s *Service) any { return s.BannerFail }},
	{"instances", func(s *Service) any { return s.Limits.Instances }},
	{"per_source", func(s *Service) any { return s.Limits.PerSource }},
	{"per_source_prefix", func(s *Service) any { return s.Limits.PerSourcePrefix }},
	{"cps", func(s *Service) any { return s.Limits.CPS }},
	{"max_load", func(s *Service) any { return s.Limits.MaxLoad }},
	{"on_instances", func(s *Service) any { return s.Limits.OnInstances }},
	{"on_per_source", func(s *Service) any { return s.Limits.OnPerSource }},
	{"on_cps", func(s *Service) any { return s.Limits.OnCPS }},
	{"only_from", func(s *Service) any {
		return struct {
			restricted bool
			rules      []Rule
		}{s.Access.Restricted, s.Access.OnlyFrom}
	}},
	{"no_access", func(s *Service) any { return s.Access.NoAccess }},
	{"deny_time", func(s *Service) any {
		if s.Sensor != nil {
			return s.Sensor.DenyTime
		}
		return nil
	}},
	{"libwrap", func(s *Service) any { return s.Libwrap }},
	{"access_times", func(s *Service) any { return s.Access.Times }},
	{"log_type", func(s *Service) any {
		t := s.Log.Target
		t.Format, t.Redact = 0, 0
		return t
	}},
	{"log_format", func(s *Service) any { return s.Log.Target.Format }},
	{"log_redact", func(s *Service) any { return s.Log.Target.Redact }},
	{"log_on_success", func(s *Service) any { return s.Log.OnSuccess }},
	{"log_on_failure", func(s *Service) any { return s.Log.OnFailure }},
}

func (r *Redirect) target() any {
	if r == nil {
		return nil
	}
	return Redirect{Host: r.Host, Port: r.Port}
}

func (r *Redirect) times() (connect, idle time.Duration) {
	if r == nil {
		return 0, 0
	}
	return r.Connect, r.Idle
}

func rlimitOf(name string) func(*Service) any {
	return func(s *Service) any {
		i := slices.IndexFunc(s.Program.Rlimits, func(r Rlimit) bool { return r.Name == name })
		if i < 0 {
			return nil
		}
		return s.Program.Rlimits[i].Value
	}
}

// distinct is what of says about the endpoints, each answer once, in their order.
func distinct[T comparable](all []Endpoint, of func(Endpoint) T) []T {
	var answers []T
	seen := make(map[T]struct{})
	for _, e := range all {
		a := of(e)
		if _, ok := seen[a]; !ok {
			seen[a] = struct{}{}
			answers = append(answers, a)
		}
	}
	return answers
}
