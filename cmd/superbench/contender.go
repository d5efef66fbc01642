package main

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
)

// contender is a program that can serve jobs.
type contender struct {
	Name    string // in tables and for -servers
	Package string // Debian's
	File    string // the program's place in the package; "" for superd and the floors, which are built
	Floor   string // one of our own, in C: the name of its source

	// Cannot says why it cannot do a job; "": it can.
	Cannot func(job) string
	// Launch writes what it needs into the folder and says how to start it. Addr's port is ours to choose, except for
	// builtins of those that answer them only where /etc/services has them: see Official.
	Launch func(l *launch) error
	// Official: its builtins are on their official ports.
	Official bool

	path    string // found
	env     []string
	version string
}

// launch is a server about to be started.
type launch struct {
	job
	Program string         // the contender's
	Dir     string         // the server's own folder
	Addr    netip.AddrPort // of the first service
	Argv    []string       // to be filled in: arguments after the program
	Pidfile string         // the server goes into the background, and says here who it is
	Ready   string         // a line of its standard error with this word says that it serves; "": it answers when it does
}

func (l *launch) file(name string) string { return filepath.Join(l.Dir, name) }

func (l *launch) write(name, text string) error {
	return os.WriteFile(l.file(name), []byte(text), 0o644)
}

// find looks for the contender's program in the folder of unpacked packages, and then on the machine.
func (c *contender) find(folder string) bool {
	unpacked := filepath.Join(folder, c.Package)
	if executable(filepath.Join(unpacked, c.File)) {
		c.path = filepath.Join(unpacked, c.File)
		// Libraries of its own that are unpacked beside it: systemd's.
		if found, _ := filepath.Glob(filepath.Join(folder, "libsystemd*/usr/lib/*-linux-gnu*")); c.Package == "systemd" && len(found) > 0 {
			private, _ := filepath.Glob(filepath.Join(folder, "libsystemd*/usr/lib/*-linux-gnu*/systemd"))
			c.env = []string{"LD_LIBRARY_PATH=" + strings.Join(append(found, private...), ":")}
		}
		c.version = debianVersion(unpacked, c.Package)
		return true
	}
	for _, path := range []string{"/" + c.File, filepath.Join("/usr/local/sbin", filepath.Base(c.File)), filepath.Join("/usr/local/bin", filepath.Base(c.File))} {
		// Every inetd calls itself inetd: without its package's papers nobody knows whose it is.
		if version := debianVersion("/", c.Package); executable(path) && (version != "" || filepath.Base(path) != "inetd") {
			c.path, c.version = path, version
			return true
		}
	}
	return false
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// debianVersion reads the first line of a package's changelog, which is there for installed and unpacked packages alike.
func debianVersion(root, name string) string {
	dir := filepath.Join(root, "usr/share/doc", name)
	for _, file := range []string{"changelog.Debian.gz", "changelog.gz"} {
		f, err := os.Open(filepath.Join(dir, file))
		if err != nil {
			continue
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			continue
		}
		line, _ := bufio.NewReader(z).ReadString('\n')
		if _, rest, ok := strings.Cut(line, "("); ok {
			version, _, _ := strings.Cut(rest, ")")
			return version
		}
	}
	return ""
}

// contenders are all, in the order of the tables.
func contenders() []*contender {
	return []*contender{
		{Name: superdName, Launch: launchSuperd, Cannot: func(job) string { return "" }},
		{Name: "xinetd", Package: "xinetd", File: "usr/sbin/xinetd", Launch: launchXinetd, Cannot: func(job) string { return "" }},
		{Name: "openbsd-inetd", Package: "openbsd-inetd", File: "usr/sbin/inetd", Official: true, Launch: launchInetd("tcp4", "udp4", "-i"), Cannot: func(j job) string {
			if j.Builtin != "" && j.Dgram {
				return "it does not answer datagrams from 127.0.0.0/8"
			}
			return cannotInetd(j)
		}},
		{Name: "inetutils-inetd", Package: "inetutils-inetd", File: "usr/sbin/inetutils-inetd", Official: true, Launch: launchInetd("tcp", "udp", ""), Cannot: cannotInetd},
		{Name: "tcpserver", Package: "ucspi-tcp", File: "usr/bin/tcpserver", Launch: launchTcpserver, Cannot: cannotPlainSpawn},
		{Name: "tcpsvd", Package: "ipsvd", File: "usr/bin/tcpsvd", Launch: launchTcpsvd, Cannot: cannotPlainSpawn},
		{Name: "systemd-socket-activate", Package: "systemd", File: "usr/bin/systemd-socket-activate", Launch: launchActivate, Cannot: cannotPlainSpawn},
		{Name: "C spawn, 1 thread", Floor: "spawn", Launch: launchSpawn("1"), Cannot: cannotPlainSpawn},
		{Name: "C spawn, 2 threads", Floor: "spawn", Launch: launchSpawn("2"), Cannot: cannotPlainSpawn},
		{Name: "C epoll echo", Floor: "tcp-echo", Launch: launchFloor, Cannot: func(j job) string {
			return unless(j.Builtin == "echo" && !j.Dgram, "is for tcp-echo")
		}},
		{Name: "C recvfrom/sendto", Floor: "udp-echo", Launch: launchFloor, Cannot: func(j job) string {
			return unless(j.Builtin == "echo" && j.Dgram, "is for udp-echo")
		}},
	}
}

const superdName = "superd"

func unless(can bool, why string) string {
	if can {
		return ""
	}
	return why
}

func cannotInetd(j job) string {
	return unless(!j.Sandbox && j.Deny == "" && j.Rate == 0, "no umask, rlimits, access lists or rates by the second")
}

func cannotPlainSpawn(j job) string {
	return unless(len(j.Program) > 0 && !j.Dgram && !j.Wait && !j.Sandbox && j.Deny == "" && j.Rate == 0 && j.Services <= 1, "they start a program for each connection and do nothing else")
}

func launchXinetd(l *launch) error {
	l.Argv = []string{"-dontfork", "-f", l.file("xinetd.conf"), "-pidfile", l.file("pid"), "-filelog", l.file("daemon.log")}
	return l.write("xinetd.conf", xinetdConfig(l))
}

func xinetdConfig(l *launch) string {
	var b strings.Builder
	fmt.Fprintf(&b, `defaults
{
	log_type       = FILE %s
	log_on_success = PID HOST DURATION EXIT
	log_on_failure = HOST
	cps            = %d 10
	instances      = UNLIMITED
	per_source     = UNLIMITED
	only_from      = 127.0.0.0/8
}
`, l.file("connections.log"), plenty)
	for i := range max(l.Services, 1) {
		name, types, flags := fmt.Sprintf("bench%d", i), "UNLISTED", "NOLIBWRAP"
		if l.Builtin != "" {
			name, types, flags = l.Builtin, "INTERNAL UNLISTED", "" // xinetd wants no NOLIBWRAP there
		}
		fmt.Fprintf(&b, "service %s\n{\n\tid = bench%d\n\ttype = %s\n\tbind = %s\n\tport = %d\n", name, i, types, l.Addr.Addr(), int(l.Addr.Port())+i)
		if l.Dgram {
			fmt.Fprintf(&b, "\tsocket_type = dgram\n\tprotocol = udp\n")
		} else {
			fmt.Fprintf(&b, "\tsocket_type = stream\n\tprotocol = tcp\n")
		}
		wait := "no"
		if l.Wait || l.Builtin != "" && l.Dgram {
			wait = "yes"
		}
		fmt.Fprintf(&b, "\twait = %s\n\tuser = %s\n", wait, l.User)
		if flags != "" {
			fmt.Fprintf(&b, "\tflags = %s\n", flags)
		}
		if l.Builtin == "" {
			fmt.Fprintf(&b, "\tserver = %s\n", l.job.Program[0])
			if args := l.job.Program[1:]; len(args) > 0 {
				fmt.Fprintf(&b, "\tserver_args = %s\n", strings.Join(args, " "))
			}
		}
		if l.Sandbox {
			fmt.Fprintf(&b, "\tumask = %s\n\trlimit_files = %d\n\trlimit_cpu = %d\n\trlimit_data = %dM\n", umaskWorn, filesWorn, cpuWorn, memoryWorn)
		}
		if l.Deny != "" {
			fmt.Fprintf(&b, "\tno_access = %s\n", l.Deny)
		}
		b.WriteString("}\n")
	}
	return b.String()
}

// launchInetd is for the inetds; flag keeps one in the foreground, without it it goes into the background.
func launchInetd(tcp, udp, flag string) func(*launch) error {
	return func(l *launch) error {
		if flag != "" {
			l.Argv = []string{flag}
		} else {
			l.Pidfile = l.file("pid")
			l.Argv = []string{"-p" + l.Pidfile}
		}
		l.Argv = append(l.Argv, "-R", fmt.Sprint(plenty), l.file("inetd.conf"))
		var b strings.Builder
		for i := range max(l.Services, 1) {
			name, socket, protocol, wait := fmt.Sprint(int(l.Addr.Port())+i), "stream", tcp, "nowait"
			if l.Dgram {
				socket, protocol = "dgram", udp
			}
			if l.Wait || l.Builtin != "" && l.Dgram {
				wait = "wait"
			}
			program := "internal"
			if l.Builtin != "" {
				name = l.Builtin
			} else {
				program = l.job.Program[0] + " " + strings.Join(l.job.Program, " ")
			}
			fmt.Fprintf(&b, "%s:%s %s %s %s.%d %s %s\n", l.Addr.Addr(), name, socket, protocol, wait, plenty, l.User, program)
		}
		return l.write("inetd.conf", b.String())
	}
}

func hostPort(a netip.AddrPort) []string { return []string{a.Addr().String(), fmt.Sprint(a.Port())} }

// launchTcpserver: -v logs each connection, as the others do; -H -R -l0 ask no name service.
func launchTcpserver(l *launch) error {
	l.Argv = append(append([]string{"-v", "-H", "-R", "-l0", "-c100000", "-b4096"}, hostPort(l.Addr)...), l.job.Program...)
	return nil
}

// launchTcpsvd: -v logs each connection.
func launchTcpsvd(l *launch) error {
	l.Argv = append(append([]string{"-v", "-l0", "-c100000", "-b4096"}, hostPort(l.Addr)...), l.job.Program...)
	return nil
}

func launchActivate(l *launch) error {
	l.Argv = append([]string{"--accept", "--inetd", "-l", l.Addr.String()}, l.job.Program...)
	return nil
}

func launchSpawn(threads string) func(*launch) error {
	return func(l *launch) error {
		l.Argv = append(append(hostPort(l.Addr), threads), l.job.Program...)
		return nil
	}
}

func launchFloor(l *launch) error {
	l.Argv = hostPort(l.Addr)
	return nil
}
