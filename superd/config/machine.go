package config

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"os/user"
	"reflect"
	"strconv"
	"strings"

	"superd/superd/selinux"
)

// machine answers what only the target machine can tell, each question once per load. With portable it knows no more than
// the well-known ports.
type machine struct {
	portable   bool
	answers    map[question]answer
	ports      map[portName]uint16     // services(5)
	networks   map[string]netip.Prefix // networks(5)
	programs   map[string]uint32       // rpc(5)
	interfaces map[string]struct{}
	addresses  map[netip.Addr]struct{} // of this machine
}

// question is what was asked: the kind of thing, and its name.
type question struct{ about, name string }

// answer is what was found, of the type that the kind of thing has.
type answer struct {
	value any
	err   error
}

func (a answer) equal(b answer) bool {
	return fmt.Sprint(a.err) == fmt.Sprint(b.err) && reflect.DeepEqual(a.value, b.value)
}

// ask is the answer given before, or else the one that find gives.
func ask[T any](m *machine, q question, find func() (T, error)) (T, error) {
	a, ok := m.answers[q]
	if !ok {
		v, err := find()
		a = answer{v, err}
		if m.answers == nil {
			m.answers = make(map[question]answer)
		}
		m.answers[q] = a
	}
	return a.value.(T), a.err
}

// agrees asks everything that was asked of an earlier machine, and reports whether the answers are the same.
func (m *machine) agrees(earlier *machine) bool {
	for q, was := range earlier.answers {
		m.repeat(q)
		if !m.answers[q].equal(was) {
			return false
		}
	}
	return true
}

const (
	aboutPort        = "port" // its name is NAME/PROTOCOL
	aboutRPC         = "rpc"
	aboutNetwork     = "network"
	aboutInterface   = "interface"
	aboutUser        = "user"
	aboutGroup       = "group"
	aboutMemberships = "memberships"
	aboutFile        = "file"
	aboutBanner      = "banner"
	aboutSELinux     = "selinux"
)

func (m *machine) repeat(q question) {
	switch q.about {
	case aboutPort:
		i := strings.LastIndexByte(q.name, '/')
		m.port(q.name[:i], q.name[i+1:])
	case aboutRPC:
		m.rpc(q.name)
	case aboutNetwork:
		m.network(q.name)
	case aboutInterface:
		m.hasInterface(q.name)
	case aboutUser:
		_, _ = m.user(q.name) // the answer is remembered
	case aboutGroup:
		_, _ = m.group(q.name)
	case aboutMemberships:
		if u, err := m.user(q.name); err == nil {
			_, _ = m.memberships(u)
		}
	case aboutFile:
		_, _ = m.stat(q.name)
	case aboutBanner:
		_, _ = m.banner(q.name)
	case aboutSELinux:
		_ = m.selinux()
	}
}

// selinux says why no program can be given its client's range.
func (m *machine) selinux() error {
	_, err := ask(m, question{aboutSELinux, ""}, func() (struct{}, error) { return struct{}{}, selinuxReady() })
	return err
}

var selinuxReady = selinux.Ready // a function but for tests

type portName struct{ name, protocol string }

// errUnknown is the answer for a name that is not there.
var errUnknown = errors.New("not known")

// port finds a name of /etc/services, or else one of the names that are well known.
func (m *machine) port(name, protocol string) (uint16, bool) {
	p, err := ask(m, question{aboutPort, name + "/" + protocol}, func() (uint16, error) {
		if m.ports == nil {
			m.ports = make(map[portName]uint16)
			if !m.portable {
				m.readServices("/etc/services")
			}
		}
		if p, ok := m.ports[portName{name, protocol}]; ok {
			return p, nil
		}
		if p, ok := wellKnown[name]; ok {
			return p, nil
		}
		return 0, errUnknown
	})
	return p, err == nil
}

// readServices reads services(5). Of several lines for a name the first counts.
func (m *machine) readServices(path string) {
	for fields := range database(path) {
		if len(fields) < 2 {
			continue
		}
		number, protocol, _ := strings.Cut(fields[1], "/")
		p, err := strconv.ParseUint(number, 10, 16)
		if err != nil || p == 0 {
			continue
		}
		for i, name := range fields {
			if _, ok := m.ports[portName{name, protocol}]; i != 1 && !ok {
				m.ports[portName{name, protocol}] = uint16(p)
			}
		}
	}
}

// network finds a name of networks(5). The range is by class, as xinetd has it, or narrower where the address is longer.
func (m *machine) network(name string) (netip.Prefix, bool) {
	if m.portable {
		return netip.Prefix{}, false
	}
	p, err := ask(m, question{aboutNetwork, name}, func() (netip.Prefix, error) {
		if m.networks == nil {
			m.readNetworks("/etc/networks")
		}
		if p, ok := m.networks[name]; ok {
			return p, nil
		}
		return netip.Prefix{}, errUnknown
	})
	return p, err == nil
}

func (m *machine) readNetworks(path string) {
	m.networks = make(map[string]netip.Prefix)
	for fields := range database(path) {
		if len(fields) < 2 {
			continue
		}
		if p, ok := parseNetwork(fields[1]); ok {
			for i, name := range fields {
				if i != 1 {
					m.networks[name] = p
				}
			}
		}
	}
}

// parseNetwork reads the number of a network, of which zeros at the end may be left out.
func parseNetwork(s string) (netip.Prefix, bool) {
	parts := strings.Split(s, ".")
	if len(parts) > 4 {
		return netip.Prefix{}, false
	}
	addr, err := netip.ParseAddr(strings.Join(append(parts, "0", "0", "0")[:4], "."))
	if err != nil {
		return netip.Prefix{}, false
	}
	class := 24
	switch b := addr.As4()[0]; {
	case addr.IsUnspecified():
		class = 0
	case b < 128:
		class = 8
	case b < 192:
		class = 16
	}
	return netip.PrefixFrom(addr, max(class, significant(addr))), true
}

// database yields the fields of each line of a file such as services(5); none if the file cannot be read.
func database(path string) func(yield func([]string) bool) {
	return func(yield func([]string) bool) {
		text, err := os.ReadFile(path)
		if err != nil {
			return
		}
		for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
			line, _, _ := strings.Cut(lines.Text(), "#")
			if !yield(strings.Fields(line)) {
				return
			}
		}
	}
}

func (m *machine) hasInterface(name string) bool {
	if m.portable {
		return false
	}
	_, err := ask(m, question{aboutInterface, name}, func() (struct{}, error) {
		if m.interfaces == nil {
			m.interfaces = make(map[string]struct{})
			all, _ := net.Interfaces() // none: names are then told by their looks
			for _, i := range all {
				m.interfaces[i.Name] = struct{}{}
			}
		}
		if _, ok := m.interfaces[name]; !ok {
			return struct{}{}, errUnknown
		}
		return struct{}{}, nil
	})
	return err == nil
}

// hasAddress reports whether addr is an address of this machine. The answer is no part of what is remembered: it only
// serves to warn of what would otherwise be seen when it happens.
func (m *machine) hasAddress(addr netip.Addr) bool {
	if m.portable {
		return false
	}
	if m.addresses == nil {
		m.addresses = make(map[netip.Addr]struct{})
		all, _ := net.InterfaceAddrs() // none: then nothing is known
		for _, a := range all {
			if n, ok := a.(*net.IPNet); ok {
				if ip, ok := netip.AddrFromSlice(n.IP); ok {
					m.addresses[ip.Unmap()] = struct{}{}
				}
			}
		}
	}
	_, ok := m.addresses[addr.WithZone("")]
	return ok
}

// user finds a user by name or number.
func (m *machine) user(name string) (*user.User, error) {
	return ask(m, question{aboutUser, name}, func() (*user.User, error) {
		if isNumber(name) {
			return user.LookupId(name)
		}
		return user.Lookup(name)
	})
}

// group finds a group's number.
func (m *machine) group(name string) (uint32, error) {
	return ask(m, question{aboutGroup, name}, func() (uint32, error) {
		if isNumber(name) {
			return parseID(name)
		}
		g, err := user.LookupGroup(name)
		if err != nil {
			return 0, err
		}
		return parseID(g.Gid)
	})
}

// memberships are the groups that initgroups(3) would set.
func (m *machine) memberships(u *user.User) ([]uint32, error) {
	return ask(m, question{aboutMemberships, u.Username}, func() ([]uint32, error) {
		names, err := u.GroupIds()
		if err != nil {
			return nil, err
		}
		ids := make([]uint32, 0, len(names))
		for _, name := range names {
			id, err := parseID(name)
			if err != nil {
				return nil, err
			}
			ids = append(ids, id)
		}
		return ids, nil
	})
}

// stat is the mode of the file that a path leads to.
func (m *machine) stat(path string) (fs.FileMode, error) {
	return ask(m, question{aboutFile, path}, func() (fs.FileMode, error) {
		info, err := os.Stat(path)
		if err != nil {
			return 0, err
		}
		return info.Mode(), nil
	})
}

// banner reads a banner's file.
func (m *machine) banner(path string) ([]byte, error) {
	return ask(m, question{aboutBanner, path}, func() ([]byte, error) { return readRegular(path, maxBanner) })
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// parseID reads a uid or gid. The highest stands for "no change" in the kernel's calls and is none.
func parseID(s string) (uint32, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	if err == nil && n == 1<<32-1 {
		err = strconv.ErrRange
	}
	return uint32(n), err
}

// wellKnown serves a machine without /etc/services, in either protocol.
var wellKnown = map[string]uint16{
	"tcpmux": 1, "echo": 7, "discard": 9, "systat": 11, "daytime": 13, "netstat": 15, "qotd": 17, "chargen": 19,
	"ftp-data": 20, "ftp": 21, "ssh": 22, "telnet": 23, "smtp": 25, "time": 37, "whois": 43, "tftp": 69, "gopher": 70,
	"finger": 79, "http": 80, "kerberos": 88, "pop3": 110, "sunrpc": 111, "auth": 113, "ident": 113, "nntp": 119, "ntp": 123,
	"imap2": 143, "imap": 143, "snmp": 161, "https": 443, "exec": 512, "comsat": 512, "login": 513, "who": 513, "shell": 514,
	"printer": 515, "talk": 517, "ntalk": 518, "submission": 587, "rsync": 873, "ftps": 990, "telnets": 992, "imaps": 993,
	"pop3s": 995, "cvspserver": 2401, "svn": 3690, "nrpe": 5666, "nsca": 5667, "check_mk-agent": 6556, "amanda": 10080,
	"amandaidx": 10082, "amidxtape": 10083, "git": 9418, "mysqlchk": 9200, "zabbix-agent": 10050,
}
