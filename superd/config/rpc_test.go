package config

import (
	"fmt"
	"net/netip"
	"testing"
)

func rpcService(id, lines string) string {
	return fmt.Sprintf("service %q {\n socket_type = \"dgram\"\n wait = true\n user = \"root\"\n server = \"/bin/true\"\n %s\n}\n", id, lines)
}

func TestRPC(t *testing.T) {
	for lines, want := range map[string]RPC{
		"type = \"RPC\"\n rpc_version = 3":                                   {100002, 3, 3},
		"type = \"RPC\"\n rpc_version = \"2-3\"":                             {100002, 2, 3},
		"type = \"RPC\"\n rpc_version = \"2\"\n rpc_number = 100300":         {100300, 2, 2},
		"type = [\"RPC\", \"UNLISTED\"]\n rpc_version = 0\n rpc_number = 1":  {1, 0, 0},
		"type = \"RPC\"\n rpc_version = 1\n port = 7000":                     {100002, 1, 1},
		"type = \"RPC\"\n rpc_version = 1\n bind = [\"127.0.0.1\", \"::1\"]": {100002, 1, 1},
		"type = \"RPC\"\n rpc_version = \"4294967232-4294967295\"":           {100002, 4294967232, 4294967295},
	} {
		s := mustLoad(t, rpcService("rusersd", lines), Options{Privileged: true}).Services[0]
		if s.RPC == nil || *s.RPC != want {
			t.Errorf("%s: %+v", lines, s.RPC)
		}
		if len(s.Endpoints) == 1 && s.Endpoints[0].Addr.Port() == 0 && s.Endpoints[0].Any != "rusersd" {
			t.Errorf("%s: %+v", lines, s.Endpoints)
		}
	}
	for lines, want := range map[string]string{"": "", "libwrap = \"rpc.rstatd\"": "rpc.rstatd"} { // over TCP, as in xinetd
		tcp := "service \"rstatd\" {\n type = \"RPC\"\n rpc_version = 1\n socket_type = \"stream\"\n wait = false\n user = \"root\"\n server = \"/bin/true\"\n" + lines + "\n}\n"
		if s := mustLoad(t, tcp, Options{Privileged: true}).Services[0]; s.Libwrap != want {
			t.Errorf("%q: hosts.allow and hosts.deny are asked about %q", lines, s.Libwrap)
		}
	}
	for lines, summary := range map[string]string{
		"type = \"RPC\"": "No rpc_version",
		"type = [\"RPC\", \"UNLISTED\"]\n rpc_version = 1":                         "No rpc_number",
		"type = \"RPC\"\n rpc_version = \"3-2\"":                                   "Bad version",
		"type = \"RPC\"\n rpc_version = \"1-65\"":                                  "Bad version",
		"type = \"RPC\"\n rpc_version = \"x\"":                                     "Bad version",
		"type = \"RPC\"\n rpc_version = true":                                      "Wrong type",
		"type = \"RPC\"\n rpc_version = 1\n rpc_number = 0":                        "Out of range",
		"type = \"RPC\"\n rpc_version = 1\n bind = [\"127.0.0.1\", \"127.0.0.2\"]": "Several addresses",
		"type = \"RPC\"\n rpc_version = 1\n port = \"7000-7001\"":                  "Several addresses",
	} {
		_, d := loadText(t, rpcService("rusersd", lines), Options{Privileged: true})
		wantProblem(t, d, Error, summary)
	}
	_, d := loadText(t, rpcService("no-such-program", "type = \"RPC\"\n rpc_version = 1"), Options{Privileged: true})
	wantProblem(t, d, Error, "No rpc_number")
	_, d = loadText(t, "service \"echo\" {\n type = [\"RPC\", \"INTERNAL\"]\n socket_type = \"stream\"\n rpc_version = 1\n rpc_number = 1\n}\n", Options{})
	wantProblem(t, d, Error, "RPC without a program")

	// Services on ports that the kernel chooses are never in each other's way.
	const any = "type = \"RPC\"\n rpc_version = 1"
	c := mustLoad(t, rpcService("rusersd", any)+rpcService("rstatd", any), Options{Privileged: true})
	if a, b := c.Services[0].Endpoints[0], c.Services[1].Endpoints[0]; a == b {
		t.Errorf("both have %v", a)
	}
}

func TestReadPrograms(t *testing.T) {
	dir := write(t, map[string]string{"rpc": "# comment\nalpha\t100300\tfirst second # third\nalpha 5\nbad\nworse x\nzero 0\n\n"})
	m := machine{programs: make(map[string]uint32)}
	m.readPrograms(dir + "/rpc")
	if len(m.programs) != 3 || m.programs["alpha"] != 100300 || m.programs["second"] != 100300 {
		t.Errorf("%v", m.programs)
	}
	if n, ok := m.rpc("rpc.rstatd"); !ok || n != 100001 {
		t.Errorf("well-known program %d", n)
	}
	e := Endpoint{Addr: netip.MustParseAddrPort("[::]:0"), Any: "rstatd"}
	if got := e.String(); got != "tcp [::]:0 (any port, for rstatd)" {
		t.Error(got)
	}
}
