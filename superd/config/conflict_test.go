package config

import (
	"fmt"
	"strings"
	"testing"
)

func TestConflicts(t *testing.T) {
	for _, c := range []struct {
		socket, a, b string
		conflict     bool
	}{
		{"stream", ``, ``, true},
		{"dgram", ``, ``, true},
		{"stream", `bind = "127.0.0.1"`, `bind = "127.0.0.2"`, false},
		{"stream", `bind = "127.0.0.1"`, `bind = "127.0.0.1"`, true},
		{"dgram", `bind = "127.0.0.1"`, `bind = "127.0.0.1"`, true},
		{"stream", `bind = "127.0.0.1"`, ``, true},
		{"dgram", `bind = "127.0.0.1"`, ``, false},
		{"stream", `bind = "127.0.0.1"`, `v6only = true`, false},
		{"stream", `bind = "127.0.0.1"`, `flags = ["IPv6"]`, true},
		{"stream", `bind = "::1"`, `flags = ["IPv4"]`, false},
		{"stream", `bind = "::1"`, `flags = ["IPv6"]`, true},
		{"stream", `bind = "::1"`, `v6only = true`, true},
		{"stream", `flags = ["IPv4"]`, ``, true},
		{"dgram", `flags = ["IPv4"]`, ``, true},
		{"stream", `flags = ["IPv4"]`, `v6only = true`, false},
		{"stream", `bind = "lo"`, ``, true},
		{"dgram", `bind = "lo"`, ``, false},
		{"stream", `bind = "lo"`, `bind = "127.0.0.1"`, true},
		{"stream", `bind = "lo"`, `bind = "lo"`, true},
		{"stream", `port = "5-10"`, `port = "10-15"`, true},
		{"stream", `port = "5-9"`, `port = "10-15"`, false},
	} {
		block := "service \"echo\" {\n id = \"%d\"\n type = \"INTERNAL\"\n socket_type = %q\n %s\n}\n"
		for i, pair := range [][2]string{{c.a, c.b}, {c.b, c.a}} {
			_, d := loadText(t, fmt.Sprintf(block, 1, c.socket, pair[0])+fmt.Sprintf(block, 2, c.socket, pair[1]), Options{})
			if got := d.HasErrors(); got != c.conflict {
				t.Errorf("%s %q and %q, %d: conflict %v, want %v\n%s", c.socket, c.a, c.b, i, got, c.conflict, printed(t, d))
			} else if got {
				wantProblem(t, d, Error, "Endpoint in use", "superd.hcl:1.")
			}
		}
	}
	mustLoad(t, service("echo")+strings.Replace(strings.Replace(service("echo"), "stream", "dgram", 1), "type", "id = \"u\"\ntype", 1), Options{})
}

func TestPortOffset(t *testing.T) {
	c := mustLoad(t, service("echo"), Options{PortOffset: 10_000})
	if p := c.Services[0].Endpoints[0].Addr.Port(); p != 10_007 {
		t.Errorf("port %d", p)
	}
	_, d := loadText(t, service("echo"), Options{PortOffset: 65_529})
	wantProblem(t, d, Error, "out of range", "65536")
	_, d = loadText(t, service("echo"), Options{PortOffset: -7})
	wantProblem(t, d, Error, "out of range")
}

// TestPortable: a port that only the target machine knows is left out, and is no error.
func TestPortable(t *testing.T) {
	text := "service \"no-such-service\" {\n socket_type = \"stream\"\n wait = false\n user = \"no-such-user\"\n server = \"/nonexistent\"\n banner = \"/nonexistent\"\n bind = \"nosuch0\"\n}\n"
	c := mustLoad(t, text, Options{Portable: true, Privileged: true})
	if s := c.Services[0]; len(s.Endpoints) != 0 || s.Program.Credential != nil {
		t.Errorf("%+v", s)
	}
	_, d := loadText(t, strings.Replace(text, "bind", "port = \"no such\"\nbind", 1), Options{Portable: true})
	wantProblem(t, d, Error, "Bad port")
}
