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
	Dir     string         // the server's own folder
	Addr    netip.AddrPort // of the first service
	Profile string         // superd: a folder for its profiles; "": none
	Limit   int            // instances, where there is such a thing
	Argv    []string       // to be filled in: arguments after the program
	Pidfile string         // the server goes into the background, and says here who it is
	Ready   string         // a line of its standard error with this word says that it serves; "": it answers when it does
}

func (l *launch) file(name string) string { return filepath.Join(l.Dir, name) }

// serviceFile is where the service number i is, if each has a file of its own.
func (l *launch) serviceFile(i int) string { return l.file(fmt.Sprintf("conf.d/bench%d.hcl", i)) }

// writeServices writes a file for each service.
func (l *launch) writeServices(service func(l *launch, i int) string) error {
	if err := os.Mkdir(l.file("conf.d"), 0o755); err != nil {
		return err
	}
	for i := range l.Services {
		if err := os.WriteFile(l.serviceFile(i), []byte(service(l, i)), 0o644); err != nil {
			return err
		}
	}
	return nil
}

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
		{Name: "C accept/write/close", Floor: "tcp-daytime", Launch: launchFloor, Cannot: func(j job) string {
			return unless(j.Builtin == "daytime", "is for tcp-daytime")
		}},
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
	return unless(!j.Sandbox && !j.Split && j.Shipped == "" && j.Deny == "" && j.Rate == 0, "no umask, rlimits, access lists or rates by the second")
}

func cannotPlainSpawn(j job) string {
	return unless(len(j.Program) > 0 && !j.Dgram && !j.Wait && !j.Sandbox && j.Deny == "" && j.Rate == 0 && j.Services <= 1 && j.Shipped == "", "they start a program for each connection and do nothing else")
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
				program = l.Program[0] + " " + strings.Join(l.Program, " ")
			}
			fmt.Fprintf(&b, "%s:%s %s %s %s.%d %s %s\n", l.Addr.Addr(), name, socket, protocol, wait, plenty, l.User, program)
		}
		return l.write("inetd.conf", b.String())
	}
}

func hostPort(a netip.AddrPort) []string { return []string{a.Addr().String(), fmt.Sprint(a.Port())} }

// launchTcpserver: -v logs each connection, as the others do; -H -R -l0 ask no name service.
func launchTcpserver(l *launch) error {
	l.Argv = append(append([]string{"-v", "-H", "-R", "-l0", "-c100000", "-b4096"}, hostPort(l.Addr)...), l.Program...)
	return nil
}

// launchTcpsvd: -v logs each connection.
func launchTcpsvd(l *launch) error {
	l.Argv = append(append([]string{"-v", "-l0", "-c100000", "-b4096"}, hostPort(l.Addr)...), l.Program...)
	return nil
}

func launchActivate(l *launch) error {
	l.Argv = append([]string{"--accept", "--inetd", "-l", l.Addr.String()}, l.Program...)
	return nil
}

func launchSpawn(threads string) func(*launch) error {
	return func(l *launch) error {
		l.Argv = append(append(hostPort(l.Addr), threads), l.Program...)
		return nil
	}
}

func launchFloor(l *launch) error {
	l.Argv = hostPort(l.Addr)
	return nil
}
