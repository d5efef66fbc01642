package config

import (
	"bufio"
	"bytes"
	"net"
	"net/netip"
	"os"
	"os/user"
	"strconv"
	"strings"
)

// machine answers what only the target machine can tell, each question once per load. With portable it knows no more than
// the well-known ports.
type machine struct {
	portable   bool
	ports      map[portName]uint16
	networks   map[string]netip.Prefix
	interfaces map[string]struct{}
	users      map[string]lookup[*user.User]
	groups     map[string]lookup[uint32]
	members    map[string]lookup[[]uint32]
	files      map[string]lookup[os.FileInfo]
	banners    map[string]lookup[[]byte]
}

// lookup is an answer, remembered.
type lookup[T any] struct {
	value T
	err   error
}

// once is the answer from the map, or from ask.
func once[T any](answers *map[string]lookup[T], key string, ask func() (T, error)) (T, error) {
	if *answers == nil {
		*answers = make(map[string]lookup[T])
	}
	a, ok := (*answers)[key]
	if !ok {
		a.value, a.err = ask()
		(*answers)[key] = a
	}
	return a.value, a.err
}

type portName struct{ name, protocol string }

// port finds a name of /etc/services, or else one of the names that are well known.
func (m *machine) port(name, protocol string) (uint16, bool) {
	if m.ports == nil {
		m.ports = make(map[portName]uint16)
		if !m.portable {
			m.readServices("/etc/services")
		}
	}
	if p, ok := m.ports[portName{name, protocol}]; ok {
		return p, true
	}
	p, ok := wellKnown[name]
	return p, ok
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
	if m.networks == nil {
		m.networks = make(map[string]netip.Prefix)
		for fields := range database("/etc/networks") {
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
	p, ok := m.networks[name]
	return p, ok
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
	if m.interfaces == nil {
		m.interfaces = make(map[string]struct{})
		all, _ := net.Interfaces() // none: names are then told by their looks
		for _, i := range all {
			m.interfaces[i.Name] = struct{}{}
		}
	}
	_, ok := m.interfaces[name]
	return ok
}

// user finds a user by name or number.
func (m *machine) user(name string) (*user.User, error) {
	return once(&m.users, name, func() (*user.User, error) {
		if isNumber(name) {
			return user.LookupId(name)
		}
		return user.Lookup(name)
	})
}

// group finds a group's number.
func (m *machine) group(name string) (uint32, error) {
	return once(&m.groups, name, func() (uint32, error) {
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
	return once(&m.members, u.Username, func() ([]uint32, error) {
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

func (m *machine) stat(path string) (os.FileInfo, error) {
	return once(&m.files, path, func() (os.FileInfo, error) { return os.Stat(path) })
}

// banner reads a banner's file.
func (m *machine) banner(path string) ([]byte, error) {
	return once(&m.banners, path, func() ([]byte, error) { return readRegular(path, maxBanner) })
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
