package main

import (
	"fmt"
	"strings"
)

func launchSuperd(l *launch) error {
	l.Argv = []string{"run", "-c", l.file("superd.hcl")}
	l.Ready = " READY "
	return l.write("superd.hcl", superdConfig(l))
}

// superdConfig has limits, access check and events on.
func superdConfig(l *launch) string {
	var b strings.Builder
	b.WriteString(superdDefaults(l))
	for i := range max(l.Services, 1) {
		b.WriteString(superdService(l, i))
	}
	return b.String()
}

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
	name, types := fmt.Sprintf("bench%d", i), `["UNLISTED"]`
	if l.Builtin != "" {
		name, types = l.Builtin, `["INTERNAL", "UNLISTED"]`
	}
	kind := "stream"
	if l.Dgram {
		kind = "dgram"
	}
	fmt.Fprintf(&b, "service %q {\n  id          = \"bench%d\"\n  type        = %s\n  bind        = %q\n  port        = %d\n  socket_type = %q\n  wait        = %t\n",
		name, i, types, l.Addr.Addr(), int(l.Addr.Port())+i, kind, l.Wait || l.Builtin != "" && l.Dgram)
	if l.Builtin == "" {
		fmt.Fprintf(&b, "  user        = %q\n  server      = %q\n", l.User, l.job.Program[0])
		if args := l.job.Program[1:]; len(args) > 0 {
			fmt.Fprintf(&b, "  server_args = [%s]\n", quoted(args))
		}
	}
	if l.Sandbox {
		fmt.Fprintf(&b, "  umask        = %q\n  rlimit_files = %d\n  rlimit_cpu   = %d\n  rlimit_data  = \"%dM\"\n", umaskWorn, filesWorn, cpuWorn, memoryWorn)
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
