package config

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestIntercept(t *testing.T) {
	service := func(lines string) string {
		return "service \"tftp\" {\n socket_type = \"dgram\"\n user = \"root\"\n server = \"/bin/true\"\n flags = [\"INTERCEPT\"]\n " + lines + "\n}\n"
	}
	s := mustLoad(t, service("wait = true\n only_from = [\"192.0.2.0/24\"]\n no_access = [\"192.0.2.7\"]"), Options{Privileged: true}).Services[0]
	if p := s.Socket.Peers; p == nil || !p.Restricted || !reflect.DeepEqual(p.OnlyFrom, s.Access.OnlyFrom) || !reflect.DeepEqual(p.NoAccess, s.Access.NoAccess) {
		t.Errorf("%+v", s.Socket.Peers)
	}
	s = mustLoad(t, service("wait = true"), Options{Privileged: true}).Services[0]
	if s.Socket.Peers != nil {
		t.Error("a filter without rules")
	}
	_, d := loadText(t, service("wait = true\n only_from = [\".example.org\"]"), Options{Privileged: true})
	wantProblem(t, d, Warning, "Name in a filter")
	_, d = loadText(t, service("wait = false\n only_from = [\"192.0.2.1\"]"), Options{Privileged: true})
	wantProblem(t, d, Warning, "Flag without an effect")
	s = mustLoad(t, service("wait = true\n only_from = [\"localhost\"]"), Options{Privileged: true}).Services[0]
	if p := s.Socket.Peers; p == nil || len(p.OnlyFrom) != 2 || p.OnlyFrom[1].Prefix.String() != "::1/128" {
		t.Errorf("%+v", p)
	}
	var many []string
	for i := range MostPeers + 1 {
		many = append(many, fmt.Sprintf("\"192.0.2.%d/32\"", i))
	}
	_, d = loadText(t, service("wait = true\n only_from = ["+strings.Join(many, ", ")+"]"), Options{Privileged: true})
	wantProblem(t, d, Error, "List too long")
}
