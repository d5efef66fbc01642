package main

import (
	"fmt"
	"strings"
)

func launchXinetd(l *launch) error {
	l.Argv = []string{"-dontfork", "-f", l.file("xinetd.conf"), "-pidfile", l.file("pid"), "-filelog", l.file("daemon.log")}
	var b strings.Builder
	b.WriteString(xinetdDefaults(l))
	switch {
	case l.Shipped != "":
		return l.write("xinetd.conf", xinetdShipped(l))
	case l.Split:
		// Its includedir leaves out names with a dot in them.
		for i := range l.Services {
			fmt.Fprintf(&b, "include %s\n", l.serviceFile(i))
		}
		if err := l.writeServices(xinetdService); err != nil {
			return err
		}
	default:
		for i := range max(l.Services, 1) {
			b.WriteString(xinetdService(l, i))
		}
	}
	return l.write("xinetd.conf", b.String())
}

func xinetdDefaults(l *launch) string {
	return fmt.Sprintf(`defaults
{
	log_type       = FILE %s
	log_on_success = PID HOST DURATION EXIT
	log_on_failure = HOST
	cps            = %d 10
	instances      = UNLIMITED
	per_source     = UNLIMITED
	only_from      = 127.0.0.0/8
}
`, l.file("connections.log"), l.rate())
}

// xinetdService is the service number i.
func xinetdService(l *launch, i int) string {
	var b strings.Builder
	builtin := l.builtin(i)
	name, types := fmt.Sprintf("bench%d", i), "UNLISTED"
	if builtin != "" {
		name, types = builtin, "INTERNAL UNLISTED"
	}
	kind, protocol, wait := "stream", "tcp", "no"
	if l.Dgram {
		kind, protocol = "dgram", "udp"
	}
	if l.Wait || builtin != "" && l.Dgram {
		wait = "yes"
	}
	fmt.Fprintf(&b, "service %s\n{\n\tid = bench%d\n\ttype = %s\n\tbind = %s\n\tport = %d\n\tsocket_type = %s\n\tprotocol = %s\n\twait = %s\n\tuser = %s\n",
		name, i, types, l.Addr.Addr(), int(l.Addr.Port())+i, kind, protocol, wait, l.User)
	// NOLIBWRAP spares it hosts.allow, and asking a name server, for each connection.
	b.WriteString("\tflags = NOLIBWRAP\n")
	if builtin == "" {
		fmt.Fprintf(&b, "\tserver = %s\n", l.Program[0])
		if args := l.Program[1:]; len(args) > 0 {
			fmt.Fprintf(&b, "\tserver_args = %s\n", strings.Join(args, " "))
		}
	}
	if l.Limit > 0 {
		fmt.Fprintf(&b, "\tinstances = %d\n", l.Limit)
	}
	if l.Sandbox {
		fmt.Fprintf(&b, "\tumask = %s\n\trlimit_files = %d\n\trlimit_cpu = %d\n\trlimit_data = %dM\n", umaskWorn, filesWorn, cpuWorn, memoryWorn)
	}
	if l.Deny != "" {
		fmt.Fprintf(&b, "\tno_access = %s\n", l.Deny)
	}
	b.WriteString("}\n")
	return b.String()
}

// shippedBuiltins are those of conf.d, for those who do not read it.
var shippedBuiltins = []string{"chargen", "daytime", "discard", "echo", "time"}

func xinetdShipped(l *launch) string {
	var b strings.Builder
	b.WriteString(xinetdDefaults(l))
	for i, name := range shippedBuiltins {
		for k, kind := range []string{"stream", "dgram"} {
			fmt.Fprintf(&b, "service %s\n{\n\tid = %s-%s\n\ttype = INTERNAL UNLISTED\n\tbind = %s\n\tport = %d\n\tsocket_type = %s\n\tprotocol = %s\n\twait = %s\n\tuser = %s\n\tflags = NOLIBWRAP\n}\n",
				name, name, kind, l.Addr.Addr(), int(l.Addr.Port())+i, kind, []string{"tcp", "udp"}[k], []string{"no", "yes"}[k], l.User)
		}
	}
	return b.String()
}
