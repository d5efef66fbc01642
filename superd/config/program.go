package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// program resolves a service that a program answers.
func (l *loader) program(s *spec) {
	if s.lacks("wait") {
		l.diags.errorf(s.header(), "No wait", "Write wait = false for a program that serves one client on its standard input and output, as most do; wait = true for one that takes the socket itself.")
	}
	if s.lacks("server") {
		l.diags.errorf(s.header(), "No server", `Write the program's path, for example server = "/usr/sbin/vsftpd"; for one of superd's own services write type = "INTERNAL".`)
	}
	p := &s.Program
	p.Path, p.Args = s.server, s.args()
	if s.nameInArgs && len(s.serverArgs) == 0 && s.ok("server_args") {
		l.diags.errorf(s.at("flags"), "No server_args", `With the flag "NAMEINARGS" the first of server_args is the program's name; there are none.`)
	}
	p.Env = l.environments.one(s.environment())
	for i, v := range s.rlimits {
		if v != nil {
			p.Rlimits = append(p.Rlimits, Rlimit{rlimitNames[i], *v})
		}
	}
	if l.opt.Portable {
		return
	}
	l.rights(s)
	l.credential(s)
	l.look(s)
}

// args is argv.
func (s *spec) args() []string {
	if s.nameInArgs {
		return slices.Clone(s.serverArgs)
	}
	return append([]string{filepath.Base(s.server)}, s.serverArgs...)
}

// lists makes equal lists one: thousands of services mostly have the same environment.
type lists map[string][]string

func (l lists) one(list []string) []string {
	key := strings.Join(list, "\x00") // no text in a file has a NUL
	same, ok := l[key]
	if !ok {
		same = slices.Clip(list)
		l[key] = same
	}
	return same
}

// safePath is the PATH of a program when superd has none.
const safePath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// environment is passenv and env; of two variables with one name the later counts.
func (s *spec) environment() []string {
	var all []string
	for _, name := range s.passenv {
		value, ok := os.LookupEnv(name)
		switch {
		case name == "PATH" && value == "":
			value = safePath
		case !ok || ofConnection(name):
			continue
		}
		all = append(all, name+"="+value)
	}
	all = append(all, s.env...)
	last := make(map[string]int, len(all))
	for i, v := range all {
		name, _, _ := strings.Cut(v, "=")
		last[name] = i
	}
	kept := all[:0]
	for i, v := range all {
		if name, _, _ := strings.Cut(v, "="); last[name] == i {
			kept = append(kept, v)
		}
	}
	return kept
}

// rights refuses what only root can do.
func (l *loader) rights(s *spec) {
	if l.opt.Privileged {
		return
	}
	if s.Program.Chroot != "" {
		l.diags.errorf(s.at("chroot"), "Needs root", "Only root can change the root directory.")
	}
	if s.Program.Nice < 0 {
		l.diags.errorf(s.at("nice"), "Needs root", "Only root can give a program more than its share.")
	}
}

// look looks at the program and its folders. What is not there may come: packages are upgraded under a running daemon.
func (l *loader) look(s *spec) {
	p := s.Program
	if p.Path != "" {
		mode, err := l.machine.stat(filepath.Join(p.Chroot, p.Path))
		switch {
		case err != nil:
			l.diags.warnf(s.at("server"), "No such program", "%s: %s.", filepath.Join(p.Chroot, p.Path), because(err))
		case mode.IsDir():
			l.diags.errorf(s.at("server"), "Not a program", "%s is a directory.", filepath.Join(p.Chroot, p.Path))
		case !mode.IsRegular() || mode&0o111 == 0:
			l.diags.warnf(s.at("server"), "Not a program", "%s is not executable.", filepath.Join(p.Chroot, p.Path))
		}
	}
	for _, name := range []string{"chroot", "directory"} {
		path := p.Chroot
		if name == "directory" {
			path = filepath.Join(p.Chroot, p.Dir)
		}
		if path == "" || path == "/" || !s.has(name) {
			continue
		}
		if mode, err := l.machine.stat(path); err != nil || !mode.IsDir() {
			l.diags.warnf(s.at(name), "No such directory", "%s is not a directory now; the program cannot start without.", path)
		}
	}
}
