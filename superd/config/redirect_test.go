package config

import (
	"fmt"
	"reflect"
	"testing"
	"time"
)

func redirection(id string, port int, lines string) string {
	return fmt.Sprintf("service %q {\n socket_type = \"stream\"\n type = \"UNLISTED\"\n port = %d\n %s\n}\n", id, port, lines)
}

func TestRedirect(t *testing.T) {
	for line, want := range map[string]Redirect{
		`redirect = ["192.0.2.7", 8080]`:                      {Host: "192.0.2.7", Port: 8080},
		`redirect = ["[2001:db8::1]", "80"]`:                  {Host: "2001:db8::1", Port: 80},
		`redirect = ["::ffff:192.0.2.7", "ftp"]`:              {Host: "192.0.2.7", Port: 21},
		`redirect = ["Mail.Example.org.", 25]`:                {Host: "mail.example.org", Port: 25},
		"redirect = [\"a.example\", 1]\n connect_timeout = 3": {Host: "a.example", Port: 1, Connect: 3 * time.Second},
		"redirect = [\"a.example\", 1]\n max_idle = \"1h\"":   {Host: "a.example", Port: 1, Idle: time.Hour},
	} {
		if want.Connect == 0 {
			want.Connect = 10 * time.Second
		}
		s := mustLoad(t, redirection("a", 7000, line), Options{Privileged: true}).Services[0]
		if !reflect.DeepEqual(s.Redirect, &want) || s.Wait || !reflect.DeepEqual(s.Program, Program{}) {
			t.Errorf("%s: %+v", line, s.Redirect)
		}
	}
	for line, summary := range map[string]string{
		`redirect = "192.0.2.7"`:                                              "Wrong type",
		`redirect = ["192.0.2.7"]`:                                            "Wrong type",
		`redirect = [7, 8]`:                                                   "Wrong type",
		`redirect = ["a.example", true]`:                                      "Wrong type",
		`redirect = ["a.example", 0]`:                                         "Bad port",
		`redirect = ["a.example", "80-90"]`:                                   "Bad port",
		`redirect = ["a.example", "no-such-service"]`:                         "Bad port",
		`redirect = ["a example", 80]`:                                        "Bad host",
		`redirect = [".example", 80]`:                                         "Bad host",
		`redirect = ["10.1", 80]`:                                             "Bad host",
		"redirect = [\"a.example\", 80]\n server = \"/bin/true\"":             "Server of a redirection",
		"redirect = [\"a.example\", 80]\n wait = true":                        "Wait of a redirection",
		"redirect = [\"a.example\", 80]\n flags = [\"NAMEINARGS\"]":           "Flag without a program",
		"redirect = [\"a.example\", 80]\n type = \"INTERNAL\"":                "Server of a builtin",
		"redirect = [\"127.0.0.1\", 7000]":                                    "Endless redirection",
		"redirect = [\"localhost\", 7000]":                                    "Endless redirection",
		"redirect = [\"::1\", 7000]":                                          "Endless redirection",
		"bind = \"192.0.2.7\"\n redirect = [\"192.0.2.7\", 7000]":             "Endless redirection",
		"bind = \"192.0.2.7\"\n redirect = [\"127.0.0.1\", 7000]":             "",
		"flags = [\"IPv4\"]\n redirect = [\"::1\", 7000]":                     "",
		"flags = [\"IPv6\"]\n v6only = true\n redirect = [\"0.0.0.0\", 7000]": "",
		"redirect = [\"127.0.0.1\", 7001]":                                    "",
		"redirect = [\"elsewhere.example\", 7000]":                            "",
	} {
		name := redirection("echo", 7000, line)
		if summary == "Server of a builtin" {
			name = "service \"echo\" {\n socket_type = \"stream\"\n type = \"INTERNAL\"\n redirect = [\"a.example\", 80]\n}\n"
		}
		_, d := loadText(t, name, Options{Privileged: true})
		if summary == "" {
			if d.HasErrors() {
				t.Errorf("%s: %s", line, printed(t, d))
			}
			continue
		}
		wantProblem(t, d, Error, summary)
	}
}

// A circle of redirections is found from wherever it is entered, and a chain is none.
func TestRedirectCircles(t *testing.T) {
	to := func(port int) string { return fmt.Sprintf("redirect = [\"127.0.0.1\", %d]", port) }
	chain := redirection("a", 7000, to(7001)) + redirection("b", 7001, to(7002)) + redirection("c", 7002, to(7003))
	if _, d := loadText(t, chain, Options{}); d.HasErrors() {
		t.Error(printed(t, d))
	}
	circle := redirection("a", 7000, to(7001)) + redirection("b", 7001, to(7002)) + redirection("c", 7002, to(7001))
	_, d := loadText(t, circle, Options{})
	if n := d.Len(); n != 2 {
		t.Errorf("%d problems, want those of b and c:\n%s", n, printed(t, d))
	}
}
