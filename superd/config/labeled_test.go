package config

import (
	"errors"
	"path/filepath"
	"testing"
)

// selinuxIs says whether the machine has SELinux, until the test is over.
func selinuxIs(t *testing.T, err error) {
	was := selinuxReady
	t.Cleanup(func() { selinuxReady = was })
	selinuxReady = func() error { return err }
}

func labeledService(lines string) string {
	return "service \"ftp\" {\n flags = [\"NODELAY\", \"labeled\"]\n " + lines + "\n}\n"
}

func TestLabeled(t *testing.T) {
	const program = "user = \"root\"\n server = \"/bin/true\"\n socket_type = \"stream\"\n wait = false\n"
	selinuxIs(t, nil)
	s := mustLoad(t, labeledService(program), Options{Privileged: true}).Services[0]
	if !s.Labeled || s.Value("flags") != `["NODELAY", "LABELED"]` {
		t.Errorf("%v, %s", s.Labeled, s.Value("flags"))
	}
	plain := mustLoad(t, "service \"ftp\" {\n flags = [\"NODELAY\"]\n "+program+"}\n", Options{Privileged: true}).Services[0]
	if d := Deltas(plain, s); plain.Labeled || len(d) != 1 || d[0] != (Delta{"flags", `["NODELAY"]`, `["NODELAY", "LABELED"]`}) {
		t.Errorf("%v, %v", plain.Labeled, d)
	}
	for lines, want := range map[string]string{
		"user = \"root\"\n server = \"/bin/true\"\n socket_type = \"dgram\"\n wait = false": "No connection to label",
		"user = \"root\"\n server = \"/bin/true\"\n socket_type = \"dgram\"\n wait = true":  "No connection to label",
		"user = \"root\"\n server = \"/bin/true\"\n socket_type = \"stream\"\n wait = true": "No connection to label",
		"socket_type = \"stream\"\n redirect = [\"192.0.2.1\", 80]":                         "No program to label",
	} {
		_, d := loadText(t, labeledService(lines), Options{Privileged: true})
		wantProblem(t, d, Error, want)
	}
	_, d := loadText(t, "service \"echo\" {\n type = \"INTERNAL\"\n socket_type = \"stream\"\n flags = [\"LABELED\"]\n}\n", Options{Privileged: true})
	wantProblem(t, d, Error, "No program to label")
	_, d = loadText(t, "service \"trap\" {\n type = \"UNLISTED\"\n port = 99\n socket_type = \"stream\"\n flags = [\"SENSOR\", \"LABELED\"]\n deny_time = \"1h\"\n}\n", Options{Privileged: true})
	wantProblem(t, d, Error, "No program to label")

	// A machine without SELinux is a matter of the machine.
	selinuxIs(t, errors.New("the kernel runs without SELinux"))
	_, d = loadText(t, labeledService(program), Options{Privileged: true})
	wantProblem(t, d, Error, "No SELinux")
	mustLoad(t, labeledService(program), Options{Privileged: true, Portable: true})
	mustLoad(t, labeledService("disable = true\n "+program), Options{Privileged: true})
}

// A reload on a machine that has lost SELinux, or got it, is not answered from memory.
func TestLoaderAsksForSELinuxAgain(t *testing.T) {
	dir := write(t, map[string]string{"superd.hcl": labeledService("user = \"root\"\n server = \"/bin/true\"\n socket_type = \"stream\"\n wait = false\n")})
	path := filepath.Join(dir, "superd.hcl")
	var l Loader
	for _, err := range []error{nil, errors.New("no SELinux policy is loaded"), nil, nil} {
		selinuxIs(t, err)
		if c := same(t, &l, path, Options{Privileged: true}); (c != nil) != (err == nil) {
			t.Errorf("%v: %v", err, c)
		}
	}
}
