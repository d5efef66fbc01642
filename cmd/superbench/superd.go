package main

import (
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
)

func launchSuperd(l *launch) error {
	l.Ready = " READY "
	l.Argv = []string{"run"}
	if l.Profile != "" {
		l.Argv = append(l.Argv, "--profile", l.Profile)
	}
	if l.Shipped != "" {
		l.Argv = append(l.Argv, "-c", filepath.Join(l.Shipped, "superd.hcl"), "--port-offset", fmt.Sprint(l.Addr.Port()))
		return nil
	}
	l.Argv = append(l.Argv, "-c", l.file("superd.hcl"))
	var b strings.Builder
	b.WriteString(superdDefaults(l))
	if l.Split {
		b.WriteString("include = [\"conf.d/*.hcl\"]\n")
		if err := l.writeServices(superdService); err != nil {
			return err
		}
	} else {
		for i := range max(l.Services, 1) {
			b.WriteString(superdService(l, i))
		}
	}
	return l.write("superd.hcl", b.String())
}

// superdDefaults have limits, access check and events on.
func superdDefaults(l *launch) string {
	return fmt.Sprintf(`defaults {
  log_type       = "FILE %s"
  log_on_success = ["PID", "HOST", "DURATION", "EXIT"]
  log_on_failure = ["HOST"]
  cps            = [%d, 10]
  instances      = %d
  per_source     = %d
  only_from      = ["127.0.0.0/8"]
}
superd {
  log_type = "STDERR"
}
`, l.file("connections.log"), l.rate(), plenty, plenty)
}

func (j *job) rate() int {
	if j.Rate > 0 {
		return j.Rate
	}
	return plenty
}

// superdService is the service number i.
func superdService(l *launch, i int) string {
	var b strings.Builder
	builtin := l.builtin(i)
	name, types := fmt.Sprintf("bench%d", i), `["UNLISTED"]`
	if builtin != "" {
		name, types = builtin, `["INTERNAL", "UNLISTED"]`
	}
	kind := "stream"
	if l.Dgram {
		kind = "dgram"
	}
	fmt.Fprintf(&b, "service %q {\n  id          = \"bench%d\"\n  type        = %s\n  bind        = %q\n  port        = %d\n  socket_type = %q\n  wait        = %t\n",
		name, i, types, l.Addr.Addr(), int(l.Addr.Port())+i, kind, l.Wait || builtin != "" && l.Dgram)
	if builtin == "" {
		fmt.Fprintf(&b, "  user        = %q\n  server      = %q\n", l.User, l.Program[0])
		if args := l.Program[1:]; len(args) > 0 {
			fmt.Fprintf(&b, "  server_args = [%s]\n", quoted(args))
		}
	}
	if l.Sandbox {
		fmt.Fprintf(&b, "  umask        = %q\n  rlimit_files = %d\n  rlimit_cpu   = %d\n  rlimit_data  = \"%dM\"\n", umaskWorn, filesWorn, cpuWorn, memoryWorn)
	}
	if l.NoNewPrivs {
		b.WriteString("  no_new_privs = true\n")
	}
	if l.Limit > 0 {
		fmt.Fprintf(&b, "  instances   = %d\n", l.Limit)
	}
	if l.Deny != "" {
		fmt.Fprintf(&b, "  no_access   = [%q]\n", l.Deny)
	}
	b.WriteString("}\n")
	return b.String()
}

func quoted(words []string) string {
	q := make([]string, len(words))
	for i, w := range words {
		q[i] = fmt.Sprintf("%q", w)
	}
	return strings.Join(q, ", ")
}

// knows tells whether the superd at path has an attribute of services.
func knows(path, scratch, attribute string) (bool, error) {
	file := filepath.Join(scratch, attribute+".hcl")
	if err := writeFile(file, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "service \"daytime\" {\n  type = [\"INTERNAL\", \"UNLISTED\"]\n  socket_type = \"stream\"\n  port = 20000\n  wait = false\n  disable = true\n  %s = true\n}\n", attribute)
		return err
	}); err != nil {
		return false, err
	}
	err := exec.Command(path, "check", file).Run()
	var status *exec.ExitError
	if errors.As(err, &status) {
		return false, nil
	}
	return err == nil, err
}
