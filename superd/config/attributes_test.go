package config

import (
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// TestAttributes checks what one attribute changes in a service, and nothing else.
func TestAttributes(t *testing.T) {
	const program, builtin, both = 1, 2, 3
	endpoint := func(s *Service, addrs ...string) {
		s.Endpoints = nil
		for _, a := range addrs {
			text, v6only := strings.CutSuffix(a, " v6only")
			s.Endpoints = append(s.Endpoints, Endpoint{SocketType: s.SocketType, Addr: netip.MustParseAddrPort(text), V6Only: v6only})
		}
	}
	rlimit := func(name string, v uint64) func(*Service) {
		return func(s *Service) { s.Program.Rlimits = []Rlimit{{name, v}} }
	}
	for _, c := range []struct {
		line string
		for_ int
		want func(*Service)
	}{
		{`id = "x"`, both, func(s *Service) { s.ID = "x" }},
		{`disable = false`, both, func(s *Service) {}},
		{`flags = []`, both, func(s *Service) {}},
		{`flags = ["reuse"]`, both, func(s *Service) { s.Socket.Reuse = true }},
		{`flags = ["NODELAY", "KeepAlive"]`, both, func(s *Service) { s.Socket.NoDelay, s.Socket.KeepAlive = true, true }},
		{`flags = ["NORETRY"]`, both, func(s *Service) { s.NoRetry = true }},
		{`flags = ["NOLIBWRAP"]`, both, func(s *Service) { s.Libwrap = "" }},
		{"flags = [\"SENSOR\"]\n deny_time = 5", builtin, func(s *Service) {
			s.Builtin, s.Sensor = SensorBuiltin, &Sensor{DenyTime: 5 * time.Minute}
		}},
		{"flags = [\"SENSOR\"]\n deny_time = \"1h\"", builtin, func(s *Service) {
			s.Builtin, s.Sensor = SensorBuiltin, &Sensor{DenyTime: time.Hour}
		}},
		{"flags = [\"SENSOR\"]\n deny_time = \"forever\"", builtin, func(s *Service) {
			s.Builtin, s.Sensor = SensorBuiltin, &Sensor{DenyTime: -1}
		}},
		{"flags = [\"SENSOR\"]\n deny_time = \"NEVER\"", builtin, func(s *Service) {
			s.Builtin, s.Sensor = SensorBuiltin, &Sensor{}
		}},
		{`libwrap = "in.ftpd"`, both, func(s *Service) { s.Libwrap = "in.ftpd" }},
		{`flags = ["ipv4"]`, both, func(s *Service) { endpoint(s, "0.0.0.0:7") }},
		{`flags = ["IPv6"]`, both, func(s *Service) {}},
		{"flags = [\"IPv6\"]\n v6only = true", both, func(s *Service) { endpoint(s, "[::]:7 v6only") }},
		{`flags = ["IPv4", "IPv6"]`, both, func(s *Service) {}},
		{"flags = [\"NAMEINARGS\"]\n server_args = [\"a\", \"b\"]", program, func(s *Service) { s.Program.Args, s.Libwrap = []string{"a", "b"}, "a" }},
		{`protocol = "TCP"`, both, func(s *Service) {}},
		{`port = 8`, both, func(s *Service) { endpoint(s, "[::]:8") }},
		{`port = "8"`, both, func(s *Service) { endpoint(s, "[::]:8") }},
		{`port = "ftp"`, both, func(s *Service) { endpoint(s, "[::]:21") }},
		{`port = "8-9"`, both, func(s *Service) { endpoint(s, "[::]:8", "[::]:9") }},
		{`bind = "127.0.0.1"`, both, func(s *Service) { endpoint(s, "127.0.0.1:7") }},
		{`bind = ["127.0.0.1", "::1", "127.0.0.1"]`, both, func(s *Service) { endpoint(s, "127.0.0.1:7", "[::1]:7") }},
		{`bind = ["0.0.0.0", "::"]`, both, func(s *Service) { endpoint(s, "0.0.0.0:7", "[::]:7 v6only") }},
		{`bind = "lo"`, both, func(s *Service) { s.Endpoints[0].Device = "lo" }},
		{"bind = \"::1\"\n v6only = true", both, func(s *Service) { endpoint(s, "[::1]:7") }},
		{`v6only = true`, both, func(s *Service) { endpoint(s, "[::]:7 v6only") }},
		{`backlog = 5`, both, func(s *Service) { s.Socket.Backlog = 5 }},
		{`server_args = ["a b", ""]`, program, func(s *Service) { s.Program.Args = []string{"true", "a b", ""} }},
		{`user = "root"`, program, func(s *Service) {}},
		{`user = "0"`, program, func(s *Service) {}},
		{`group = 7`, program, func(s *Service) { s.Program.Credential = &Credential{Gid: 7} }},
		{`env = ["A=1"]`, program, func(s *Service) { s.Program.Env = append(s.Program.Env, "A=1") }},
		{`passenv = ["NO_SUCH_VARIABLE"]`, program, func(s *Service) { s.Program.Env = nil }},
		{`directory = "/tmp/"`, program, func(s *Service) { s.Program.Dir = "/tmp" }},
		{`chroot = "/"`, program, func(s *Service) { s.Program.Chroot = "/" }},
		{`umask = "2"`, program, func(s *Service) { s.Program.Umask = 2 }},
		{`nice = -20`, program, func(s *Service) { s.Program.Nice = -20 }},
		{`rlimit_as = "1K"`, program, rlimit("as", 1024)},
		{`rlimit_as = "1t"`, program, rlimit("as", 1<<40)},
		{`rlimit_cpu = 5`, program, rlimit("cpu", 5)},
		{`rlimit_cpu = "5"`, program, rlimit("cpu", 5)},
		{`rlimit_data = "2m"`, program, rlimit("data", 2<<20)},
		{`rlimit_files = 5`, program, rlimit("files", 5)},
		{`rlimit_rss = "3G"`, program, rlimit("rss", 3<<30)},
		{`rlimit_core = 0`, program, rlimit("core", 0)},
		{`rlimit_fsize = "10M"`, program, rlimit("fsize", 10<<20)},
		{`rlimit_nproc = 50`, program, rlimit("nproc", 50)},
		{`rlimit_stack = "Unlimited"`, program, rlimit("stack", math.MaxUint64)},
		{`max_lifetime = 1.5`, both, func(s *Service) { s.MaxLifetime = 1500 * time.Millisecond }},
		{`max_lifetime = "1h5m"`, both, func(s *Service) { s.MaxLifetime = 65 * time.Minute }},
		{`grace = "2d"`, both, func(s *Service) { s.Grace = 48 * time.Hour }},
		{`instances = 0`, both, func(s *Service) { s.Limits.Instances = 0 }},
		{`instances = "unlimited"`, both, func(s *Service) {}},
		{`per_source = 3`, both, func(s *Service) { s.Limits.PerSource = 3 }},
		{`per_source_prefix = [24, 48]`, both, func(s *Service) { s.Limits.PerSourcePrefix = [2]int{24, 48} }},
		{`cps = [25, 30]`, both, func(s *Service) { s.Limits.CPS = CPS{25, 30 * time.Second} }},
		{`cps = [0, "1m"]`, both, func(s *Service) { s.Limits.CPS = CPS{0, time.Minute} }},
		{`max_load = 2.5`, both, func(s *Service) { s.Limits.MaxLoad = 2.5 }},
		{`on_instances = "queue"`, both, func(s *Service) { s.Limits.OnInstances = Queue }},
		{`on_per_source = "reset"`, both, func(s *Service) { s.Limits.OnPerSource = Reset }},
		{`on_cps = "PAUSE"`, both, func(s *Service) { s.Limits.OnCPS = Pause }},
		{`only_from = []`, both, func(s *Service) { s.Access.Restricted, s.Access.OnlyFrom = true, []Rule{} }},
		{`only_from = ["::1"]`, both, func(s *Service) {
			s.Access.Restricted, s.Access.OnlyFrom = true, []Rule{{Prefix: netip.MustParsePrefix("::1/128"), Word: "::1"}}
		}},
		{`no_access = [".Example.Org"]`, both, func(s *Service) { s.Access.NoAccess = []Rule{{Name: ".example.org", Word: ".Example.Org"}} }},
		{`access_times = ["08:00-18:00"]`, both, func(s *Service) { s.Access.Times = []Window{{everyDay, 480, 1080}} }},
		{`log_type = "syslog AUTH"`, both, func(s *Service) { s.Log.Target = LogTarget{Kind: Syslog, Facility: "auth", Level: "info"} }},
		{`log_type = "SYSLOG local0 warn"`, both, func(s *Service) { s.Log.Target = LogTarget{Kind: Syslog, Facility: "local0", Level: "warning"} }},
		{`log_type = "FILE /var/log/x 8M"`, both, func(s *Service) {
			s.Log.Target = LogTarget{Kind: File, Path: "/var/log/x", Soft: 8 << 20, Hard: 8<<20 + 20<<10}
		}},
		{`log_type = "FILE /var/log/x 100 200"`, both, func(s *Service) {
			s.Log.Target = LogTarget{Kind: File, Path: "/var/log/x", Soft: 100, Hard: 200}
		}},
		{`log_type = "JOURNAL"`, both, func(s *Service) { s.Log.Target = LogTarget{Kind: Journal, Level: "info"} }},
		{`log_format = "json"`, both, func(s *Service) { s.Log.Target.Format = JSONFormat }},
		{`log_format = "Xinetd"`, both, func(s *Service) { s.Log.Target.Format = XinetdFormat }},
		{`log_redact = "prefix"`, both, func(s *Service) { s.Log.Target.Redact = RedactPrefix }},
		{`log_redact = "hash"`, both, func(s *Service) { s.Log.Target.Redact = RedactHash }},
		{`log_redact = "drop"`, both, func(s *Service) { s.Log.Target.Redact = RedactDrop }},
		{`log_on_success = []`, both, func(s *Service) { s.Log.OnSuccess = 0 }},
		{`log_on_failure = ["host", "ATTEMPT"]`, both, func(s *Service) { s.Log.OnFailure = LogHost | LogAttempt }},
	} {
		for kind, head := range map[int]string{
			program: "service \"echo\" {\n socket_type = \"stream\"\n wait = false\n server = \"/bin/true\"\n",
			builtin: "service \"echo\" {\n socket_type = \"stream\"\n type = \"INTERNAL\"\n",
		} {
			if c.for_&kind == 0 {
				continue
			}
			if kind == program && !strings.Contains(c.line, "user") {
				head += " user = \"root\"\n"
			}
			got := mustLoad(t, head+c.line+"\n}", Options{Privileged: true}).Services[0]
			want := plain(kind == program)
			c.want(want)
			if !got.Equal(want) {
				t.Errorf("%s: differs in %q:\n got %+v\nwant %+v", c.line, Changes(want, got), got, want)
			}
		}
	}
}

// plain is a service with nothing but defaults.
func plain(program bool) *Service {
	s := &Service{
		ID: "echo", Name: "echo", Builtin: "echo",
		Endpoints: []Endpoint{{Addr: netip.MustParseAddrPort("[::]:7")}},
		Grace:     10 * time.Second,
		Limits: Limits{
			Instances: Unlimited, PerSource: Unlimited, PerSourcePrefix: [2]int{32, 64},
			CPS: CPS{50, 10 * time.Second}, OnCPS: Hold,
		},
		Log: Log{OnSuccess: LogPID | LogHost | LogDuration | LogExit, OnFailure: LogHost},
	}
	if program {
		s.Builtin = ""
		s.Program = Program{
			Path: "/bin/true", Args: []string{"true"}, Dir: "/", Umask: 0o022, Credential: &Credential{},
			Env: (&spec{passenv: []string{"PATH", "LANG", "TZ"}}).environment(),
		}
	}
	s.Libwrap = "echo"
	if program {
		s.Libwrap = "true"
	}
	return s
}

// TestTable: what the table says of each attribute must be so, since the manual page is made of it.
func TestTable(t *testing.T) {
	for _, a := range Attributes {
		if a.Doc == "" || strings.HasSuffix(a.Doc, ".") || a.Example == "" || a.Type == "" || a.Where == 0 || a.set == nil {
			t.Errorf("%s: the row is not complete: %+v", a.Name, a)
		}
		if a.Xinetd == "" || strings.HasSuffix(a.Xinetd, ".") {
			t.Errorf("%s: the row does not say how it differs from xinetd: write Xinetd: sameAsXinetd, notInXinetd, or a sentence without its full stop", a.Name)
		}
		if a.Example == a.Default {
			t.Errorf("%s: the example is the default", a.Name)
		}
		for _, value := range []string{a.Example, a.Default} {
			line := a.Name + " = " + value + "\n"
			switch {
			case value == "" || a.Where&InFile != 0:
				continue
			case a.Where&InService != 0:
				line = "service \"x\" {\n disable = true\n" + strings.Replace(line, "disable = true\n", "", 1) + "}"
				if a.Name == "disable" {
					line = "service \"echo\" {\n type = \"INTERNAL\"\n socket_type = \"stream\"\n disable = " + value + "\n}"
				}
			case a.Where&InDefaults != 0:
				line = "defaults {\n" + line + "}"
			default:
				line = "superd {\n" + line + "}"
			}
			if _, d := loadText(t, line, Options{}); d.HasErrors() {
				t.Errorf("%s: %s", a.Name, printed(t, d))
			}
		}
		if why, ok := unavailable[a.Name]; ok {
			t.Errorf("%s is there and not: %s", a.Name, why)
		}
	}
}

// TestUnavailable: words of xinetd that superd does not have are explained, not unknown.
func TestUnavailable(t *testing.T) {
	for name := range unavailable {
		_, d := loadText(t, "service \"x\" {\n disable = true\n "+name+" = \"1\"\n}", Options{})
		wantProblem(t, d, Error, "Not available")
	}
	for line, later := range map[string]map[string]string{
		`type = "%s"`: laterTypes, `socket_type = "%s"`: laterSockets, `protocol = "%s"`: laterProtocols,
	} {
		for word := range later {
			_, d := loadText(t, "service \"x\" {\n disable = true\n "+strings.Replace(line, "%s", strings.ToLower(word), 1)+"\n}", Options{})
			wantProblem(t, d, Error, "Not available")
		}
	}
}
