package convert

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// inetd converts inetd.conf.
type inetd struct {
	*draft
	*reader
	used  bool
	hosts []string          // where services listen that do not say: the last line of "address:"; nil: everywhere
	pairs map[string]family // what protocols there are for each service name and kind of socket
	made  []*inetdService
	solar bool // the file has Solaris's habits: there tcp6 is IPv4 too
	bsd   bool // the file is one of the BSDs', where inetd asks hosts.allow and hosts.deny
}

// family is a set of address families.
type family uint8

const (
	four family = 1 << iota
	six
)

func (n *inetd) path(path string) {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		n.include(path, Place{File: path})
		return
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		n.fail(Place{File: path}, "Cannot read the folder: %s.", because(err))
		return
	}
	for _, e := range entries {
		file := filepath.Join(path, e.Name())
		if strings.HasPrefix(e.Name(), ".") || strings.HasSuffix(e.Name(), "~") {
			continue
		}
		if info, err := os.Stat(file); err == nil && info.IsDir() {
			n.remark(Place{File: file}, "A folder inside a folder is left out.")
			continue
		}
		n.hosts = nil
		n.include(file, Place{File: file})
	}
}

func (n *inetd) include(path string, at Place) {
	src, id, err := n.file(path)
	if errors.Is(err, errTwice) {
		return
	}
	if err != nil {
		n.fail(at, "Cannot read %s: %s.", path, because(err))
		return
	}
	n.source(src, id)
}

// source converts one file. Which families a service has decides what tcp6 means, so all entries are read before the first is converted.
func (n *inetd) source(src *source, id fileID) {
	n.open = append(n.open, id)
	defer func() { n.open = n.open[:len(n.open)-1] }()
	entries, after := parseInetd(src.lines)
	n.used = true
	n.pairs = make(map[string]family)
	n.solar, n.bsd = false, false
	for _, e := range entries {
		n.notice(e)
	}
	var last *block
	for _, e := range entries {
		if e.include != "" {
			n.head = append(n.head, e.before...)
			n.glob(src, e)
			continue
		}
		if b := n.entry(e); b != nil {
			last = b
		}
	}
	if last != nil {
		last.after = append(last.after, after...)
	} else {
		n.head = append(n.head, after...)
	}
}

// glob follows NetBSD's .include.
func (n *inetd) glob(src *source, e *inetdEntry) {
	pattern := e.include
	if filepath.IsAbs(pattern) {
		pattern = n.absolute(pattern)
	} else {
		pattern = filepath.Join(filepath.Dir(src.name), pattern)
	}
	paths, err := filepath.Glob(pattern)
	switch {
	case len(n.open) > maxDepth:
		n.fail(e.at.Place, "Includes go at most %d deep.", maxDepth)
		return
	case err != nil || len(paths) == 0:
		n.remark(e.at.Place, "No file matches %s.", pattern)
		n.head = append(n.head, row{comment: mark + "no file matches: " + oneLine(e.at.text), from: []origin{e.at}})
	}
	pairs, hosts, solar, bsd := n.pairs, n.hosts, n.solar, n.bsd
	for _, path := range paths {
		n.hosts = hosts
		n.include(path, e.at.Place)
	}
	n.pairs, n.hosts, n.solar, n.bsd = pairs, hosts, solar, bsd
}

// done writes what all services of inetd have in common into defaults.
func (n *inetd) done() {
	if !n.used || len(n.made) == 0 {
		return
	}
	external := slices.ContainsFunc(n.made, func(s *inetdService) bool { return s.b.get("server") != nil })
	if n.defaults != nil || !external {
		for _, s := range n.made {
			if s.b.get("server") != nil {
				s.b.set("groups", "true", s.e.at)
			}
		}
		return
	}
	b := n.defaultsBlock(n.made[0].e.at)
	b.before = append(b.before,
		row{comment: "# inetd gives its programs all groups of their user. Its tcp and udp are IPv4 alone, hence the flag IPv4 below; without"},
		row{comment: "# it a service takes IPv6 as well. NOLIBWRAP keeps hosts.allow and hosts.deny from what tcpd did not guard."})
	b.set("groups", "true")
}

// notice looks for what the meaning of other lines depends on.
func (n *inetd) notice(e *inetdEntry) {
	n.bsd = n.bsd || len(e.keys) > 0 || len(e.fields) > 5 && strings.HasPrefix(e.fields[5], "/usr/libexec/")
	if e.bad != "" || len(e.fields) < 3 {
		return
	}
	if strings.HasPrefix(strings.ToLower(e.fields[1]), "sunrpc_") { // AIX, whose tcp6 is Solaris's
		n.solar = true
	}
	if e.disabled {
		return
	}
	proto, _, _ := strings.Cut(strings.ToLower(e.fields[2]), ",")
	switch {
	case slices.Contains([]string{"tli", "xti"}, strings.ToLower(e.fields[1])), strings.HasSuffix(proto, "only"),
		strings.HasPrefix(proto, "rpc/ti"), strings.HasSuffix(proto, "_v"), proto == "rpc/*":
		n.solar = true
	}
	_, name := splitHost(e.fields[0])
	n.pairs[name+"/"+strings.TrimRight(proto, "46")] |= families(proto)
}

// families are what a protocol word stands for outside Solaris.
func families(proto string) family {
	switch {
	case strings.HasSuffix(proto, "46"), strings.HasSuffix(proto, "64"):
		return four | six
	case strings.HasSuffix(proto, "6"), strings.HasSuffix(proto, "6only"):
		return six
	}
	return four
}

// splitHost parts "[address]:service" and "address,address:service".
func splitHost(field string) (hosts []string, name string) {
	if strings.HasPrefix(field, "/") || strings.HasPrefix(field, ":") {
		return nil, field // a unix socket, on some systems with :user:group:mode: before it
	}
	i := strings.LastIndexByte(field, ':')
	if i < 0 {
		return nil, field
	}
	for host := range strings.SplitSeq(field[:i], ",") {
		hosts = append(hosts, strings.Trim(host, "[]"))
	}
	return hosts, field[i+1:]
}

// listening is what goes into bind, and what of the hosts cannot. Nil and none: everywhere.
func listening(hosts []string, f family) (words, bad []string) {
	for _, h := range hosts {
		switch addr, err := netip.ParseAddr(h); {
		case h == "*" || h == "":
			return nil, nil
		case err == nil:
			words = append(words, addr.String())
		case strings.EqualFold(h, "localhost"):
			if f&four != 0 {
				words = append(words, "127.0.0.1")
			}
			if f&six != 0 {
				words = append(words, "::1")
			}
		default:
			bad = append(bad, h)
		}
	}
	return words, bad
}
