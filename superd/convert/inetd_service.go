package convert

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"superd/superd/config"
)

// inetdService is one entry on its way into a block.
type inetdService struct {
	*inetd
	e     *inetdEntry
	b     *block
	rpc   bool
	name  string   // of the service, without address and version
	words []string // of flags
}

// entry converts one entry, or one of NetBSD's or Solaris's lines that are none. Nil: there is no service.
func (n *inetd) entry(e *inetdEntry) *block {
	if e.keys != nil || e.fields != nil && len(e.lines) > 0 && isKeyed(e.at.text) {
		return n.keyed(e)
	}
	switch {
	case len(e.fields) == 1 && strings.HasSuffix(e.fields[0], ":"):
		n.hosts, _ = splitHost(e.fields[0])
		n.head = append(n.head, e.before...)
		return nil
	case e.bad == "" && (len(e.fields) < 6 || !isSocketType(e.fields[1])):
		e.bad = "it does not have the six fields of one: service, socket type, protocol, wait, user, program"
		if len(e.fields) > 1 && len(e.fields) >= 6 {
			e.bad = fmt.Sprintf("%q is no type of socket", e.fields[1])
		}
	}
	if e.bad != "" {
		n.remark(e.at.Place, "This is no entry: %s. inetd leaves it out.", e.bad)
		n.head = append(n.head, e.before...)
		for _, l := range e.lines {
			n.head = append(n.head, row{comment: mark + "no entry: " + excerpt(oneLine(l.text)), from: []origin{l}})
		}
		return nil
	}
	var s *inetdService
	for i, fields := range transports(e.fields) {
		if i > 0 {
			e.before = nil
		}
		s = n.begin(e)
		s.convert(fields)
	}
	return s.b
}

// transports are the entries that one of Solaris's stands for: its RPC services name several ways to reach them.
func transports(fields []string) [][]string {
	list, rpc := strings.CutPrefix(strings.ToLower(fields[2]), "rpc/")
	list = strings.ReplaceAll(list, "*", "datagram_v,circuit_v")
	if !rpc || strings.Contains(list, "=") || !strings.Contains(list, ",") {
		return [][]string{fields}
	}
	const enough = 8 // there are six
	var all [][]string
	for _, t := range strings.SplitN(list, ",", enough) {
		one := slices.Clone(fields)
		one[2] = "rpc/" + t
		all = append(all, one)
	}
	return all
}

func (n *inetd) begin(e *inetdEntry) *inetdService {
	s := &inetdService{inetd: n, e: e, b: &block{at: e.at, before: e.before}}
	n.services = append(n.services, s.b)
	n.made = append(n.made, s)
	return s
}

// both is quiet about an entry that is a comment already: nothing of it is lost.
func (s *inetdService) both(format string, args ...any) {
	if s.e.disabled {
		s.b.note(fmt.Sprintf(format, args...), s.e.at)
		return
	}
	s.draft.both(s.b, s.e.at, format, args...)
}

func (s *inetdService) off(format string, args ...any) {
	s.both(format+" The service is off.", args...)
	s.b.set("disable", "true", s.e.at)
}

// put gives an attribute a value; one that superd does not take ends the service.
func (s *inetdService) put(name, value string) {
	if why := s.judge.Objection(name, value, config.InService); why != "" {
		s.off("%s = %s: %s", name, excerpt(value), why)
		return
	}
	s.b.set(name, value, s.e.at)
}

func (s *inetdService) convert(fields []string) {
	if s.e.quoted {
		s.both("Quotes keep words together for the inetd of FreeBSD and NetBSD, and here. Others take them as a part of the words.")
	}
	kind := strings.ToLower(fields[1])
	mux := s.service(fields[0], strings.ToLower(fields[2]))
	s.socket(kind, strings.ToLower(fields[2]), mux)
	s.wait(fields[3])
	args := fields[6:]
	if strings.HasPrefix(kind, "sunrpc_") && len(args) > 2 && isNumber(args[1]) { // AIX: name, number and version of the program
		s.b.label = args[1]
		s.program(args[1], args[2])
		args = args[:1]
	}
	s.run(fields[4], fields[5], args)
	s.unwrapped()
	if s.e.disabled {
		s.b.set("disable", "true", s.e.at)
	}
}

// service reads the first field.
func (s *inetdService) service(field, proto string) (mux string) {
	hosts, name := splitHost(field)
	if hosts == nil {
		hosts = s.hosts
	}
	s.rpc = strings.HasPrefix(proto, "rpc/")
	wire, _, _ := strings.Cut(proto, ",")
	words, bad := listening(hosts, families(wire))
	switch hint := "superd takes no host names in bind, since it must start without DNS: write the address of %s."; {
	case len(bad) > 0 && len(words) == 0:
		s.off(hint, strings.Join(bad, ", "))
	case len(bad) > 0:
		s.both(hint, strings.Join(bad, ", "))
	}
	if len(words) > 0 {
		s.put("bind", wordOrList("bind", words))
	}
	if after, ok := strings.CutPrefix(strings.ToLower(name), "tcpmux/"); ok {
		mux = "TCPMUX"
		name = name[len(name)-len(after):]
		if plus, ok := strings.CutPrefix(name, "+"); ok {
			mux, name = "TCPMUXPLUS", plus
		}
	}
	version := ""
	if s.rpc {
		name, version, _ = strings.Cut(name, "/")
	}
	s.name, s.b.label = name, name
	switch {
	case mux != "":
		s.types(mux, "UNLISTED")
	case s.rpc:
		s.program(name, version)
	case isNumber(name):
		s.types("UNLISTED")
		s.put("port", plain(name))
	}
	return mux
}

// types writes the attribute type; a word that superd lacks ends the service.
func (s *inetdService) types(words ...string) {
	var kept []string
	for _, w := range words {
		if have, ok := hasWord("type", w); ok {
			kept = append(kept, have)
			continue
		}
		s.off("type %s: %s", w, s.judge.Objection("type", quote(w), config.InService))
	}
	if len(kept) > 0 {
		s.put("type", wordOrList("type", kept))
	}
}

// program writes what an RPC service is called.
func (s *inetdService) program(name, version string) {
	if isNumber(name) {
		s.types("RPC", "UNLISTED")
		s.optional("rpc_number", plain(name))
	} else {
		s.types("RPC")
	}
	low, high, gaps := versions(version)
	switch {
	case low < 0:
		s.off("The version of an RPC service is missing, or is none: %q.", version)
		return
	case gaps:
		s.both("superd registers a range of versions: those of %d to %d that are not among %s too.", low, high, version)
	}
	if low == high {
		s.optional("rpc_version", strconv.Itoa(low))
		return
	}
	s.optional("rpc_version", quote(fmt.Sprintf("%d-%d", low, high)))
}

// versions are the least and the greatest of a set such as "1-3,7", and whether some between them are not in it. -1: it is no set.
func versions(set string) (low, high int, gaps bool) {
	low = -1
	had := make(map[int]bool)
	for part := range strings.SplitSeq(set, ",") {
		a, b, isRange := strings.Cut(part, "-")
		if !isRange {
			b = a
		}
		first, err1 := strconv.ParseUint(a, 10, 31)
		last, err2 := strconv.ParseUint(b, 10, 31)
		const most = 1000 // so many no program has
		if err1 != nil || err2 != nil || last < first || last-first > most || len(had) > most {
			return -1, 0, false
		}
		for v := int(first); v <= int(last); v++ {
			had[v] = true
			high = max(high, v)
			if low < 0 || v < low {
				low = v
			}
		}
	}
	return low, high, high-low+1 != len(had)
}

// optional is put, but for an attribute that this superd may lack, which has been said by then.
func (s *inetdService) optional(name, value string) {
	if has(name) {
		s.put(name, value)
		return
	}
	s.b.note(name+" = "+value, s.e.at)
}

// socket reads socket type and protocol.
func (s *inetdService) socket(kind, proto, mux string) {
	kind, filter, _ := strings.Cut(kind, ":")
	kind, most, _ := strings.Cut(kind, ",")
	proto, options, _ := strings.Cut(strings.TrimPrefix(proto, "faith/"), ",")
	wire := strings.TrimPrefix(proto, "rpc/")
	only := strings.HasSuffix(wire, "only")
	base := strings.TrimRight(strings.TrimSuffix(wire, "only"), "46")
	switch {
	case strings.HasPrefix(kind, "sunrpc_"):
		base = strings.TrimPrefix(kind, "sunrpc_")
	case base == "datagram_v":
		base = "udp"
	case base == "circuit_v":
		base = "tcp"
	}
	switch {
	case base == "udp":
		kind = "dgram"
	case base == "tcp" && (kind == "tli" || kind == "xti" || strings.HasPrefix(kind, "sunrpc_")):
		kind = "stream"
	}
	if base != "tcp" && base != "udp" {
		s.off("superd has no sockets of the protocol %s.", proto)
		return
	}
	s.put("socket_type", quote(kind))
	s.put("protocol", quote(base))
	s.families(wire, only, mux)
	if most != "" && isNumber(most) {
		s.put("instances", plain(most))
	}
	if filter != "" {
		s.both("superd has no accept filters: %s is left out.", filter)
	}
	if options != "" {
		s.both("superd leaves the sizes of buffers to the kernel: %s is left out.", options)
	}
}

// families says which addresses tcp, tcp4, tcp6 and tcp46 are: inetd's tcp is IPv4 alone.
func (s *inetdService) families(wire string, only bool, mux string) {
	f := families(wire)
	if mux != "" || f == four|six {
		return
	}
	if r := s.b.get("bind"); r != nil && !strings.HasSuffix(wire, "4") && !strings.HasSuffix(wire, "6") {
		return // the addresses say it
	}
	if f == four {
		s.flags("IPv4")
		return
	}
	_, name := splitHost(s.e.fields[0])
	both := s.pairs[name+"/"+strings.TrimRight(strings.TrimSuffix(wire, "only"), "46")] == four|six
	if s.solar && !only && !both {
		return // Solaris's tcp6 takes IPv4 as well
	}
	s.flags("IPv6")
	s.put("v6only", "true")
}

// flags adds a flag.
func (s *inetdService) flags(word string) {
	s.words = append(s.words, word)
	s.put("flags", list(s.words))
}

// wait reads wait, nowait, and the limits behind them.
func (s *inetdService) wait(field string) {
	word := strings.ToLower(field)
	i := strings.IndexAny(word, ".:/")
	limits := ""
	if i >= 0 {
		word, limits = word[:i], word[i:]
	}
	switch word {
	case "wait", "swait", "src": // the last is AIX's, for what its resource controller starts
		s.put("wait", "true")
	case "nowait":
		s.put("wait", "false")
	default:
		s.both("%q is neither wait nor nowait; inetd takes it for nowait.", field)
		s.put("wait", "false")
	}
	if limits == "" {
		return
	}
	if limits[0] == '/' {
		s.children(strings.Split(limits[1:], "/"))
		return
	}
	s.perMinute(limits[1:])
}

// perMinute is how often inetd starts a program within a minute, before it gives the service up for ten.
func (s *inetdService) perMinute(n string) {
	if !isNumber(n) || strings.Trim(n, "0") == "" {
		s.both("%q is no number of starts a minute, and is left out.", n)
		return
	}
	s.both("inetd starts it %s times a minute and then gives it up for ten. superd's cps counts by the second: this lets a burst of as many in.", n)
	s.put("cps", "["+plain(n)+", 10]")
}

// children are FreeBSD's limits: at once, new ones a minute from one address, at once from one address.
func (s *inetdService) children(limits []string) {
	for i, n := range limits {
		switch {
		case n == "":
		case !isNumber(n) || i > 2:
			s.both("%q is no limit, and is left out.", n)
		case strings.Trim(n, "0") == "": // 0: no limit
			continue
		case i == 0:
			s.put("instances", plain(n))
		case i == 1:
			s.both("superd has no limit of %s connections a minute from one address. cps, which holds off who exceeds it, comes near.", n)
		case i == 2:
			s.put("per_source", plain(n))
		}
	}
}

// run reads user, program and arguments.
func (s *inetdService) run(user, server string, args []string) {
	s.user(user)
	if server == "internal" {
		s.internal(args)
		return
	}
	if s.name == "rpc" && len(args) > 2 && isNumber(args[0]) { // HP-UX: the program's number and version stand before the arguments
		args = s.hpux(args)
	}
	s.server(server, args)
}

// user reads USER, USER:GROUP, USER.GROUP, and FreeBSD's USER/CLASS.
func (s *inetdService) user(field string) {
	field, class, hasClass := strings.Cut(field, "/")
	if hasClass {
		s.both("superd has no login classes: %s is left out.", class)
	}
	i := strings.IndexAny(field, ":.")
	if j := strings.IndexByte(field, ':'); j >= 0 {
		i = j
	}
	group := ""
	if i > 0 {
		field, group = field[:i], field[i+1:]
	}
	s.put("user", account(field))
	if group != "" {
		s.put("group", account(group))
	}
}

func account(name string) string {
	if isNumber(name) {
		return plain(name)
	}
	return quote(name)
}

// internal is a service that inetd answers itself.
func (s *inetdService) internal(args []string) {
	s.b.drop("user")
	s.b.drop("group")
	words := []string{"INTERNAL"}
	if r := s.b.get("type"); r != nil && r.value == `"UNLISTED"` {
		words = append(words, "UNLISTED")
	}
	s.b.drop("type")
	s.types(words...)
	if r := s.b.get("wait"); r != nil && s.b.socket() == "stream" && r.value == "true" {
		s.b.set("wait", "false", s.e.at)
	}
	if len(args) > 1 || len(args) == 1 && args[0] != "internal" && args[0] != s.name {
		s.both("superd's builtin takes no arguments: %s is left out.", excerpt(strings.Join(args, " ")))
	}
}

func (s *inetdService) hpux(args []string) []string {
	s.b.label = args[0]
	s.program(args[0], args[1])
	return args[2:]
}

// server writes program and arguments. argv[0] goes without saying where it is the program's own name.
func (s *inetdService) server(server string, args []string) {
	if program, ok := strings.CutPrefix(server, "?/"); ok { // IRIX: without a word in the log if it is not there
		server = "/" + program
	}
	if i := slices.IndexFunc(args, func(w string) bool { return strings.HasPrefix(w, "#") }); i >= 0 {
		s.both("inetd has no comments behind an entry: %s goes to the program.", excerpt(strings.Join(args[i:], " ")))
	}
	if path.Base(server) == "tcpd" && len(args) > 0 && has("libwrap") {
		real := args[0]
		if !strings.HasPrefix(real, "/") {
			real = path.Join(path.Dir(server), real)
		}
		server = real
		args = append([]string{path.Base(real)}, args[1:]...)
		s.put("libwrap", quote(path.Base(real)))
	}
	if !strings.HasPrefix(server, "/") {
		server = s.pathless(server)
	}
	s.put("server", quote(server))
	switch {
	case len(args) == 0:
	case args[0] == path.Base(server):
		if len(args) > 1 {
			s.put("server_args", list(args[1:]))
		}
	default:
		if strings.HasPrefix(args[0], "-") {
			s.both("The first of the arguments is the program's own name to inetd, and here it is %s, which the program does not see as an argument. Written so it stays.", excerpt(args[0]))
		}
		s.flags("NAMEINARGS")
		s.put("server_args", list(args))
	}
}

// unwrapped keeps hosts.allow and hosts.deny from a service that had no tcpd before it, for such an inetd as does not ask them itself.
func (s *inetdService) unwrapped() {
	if _, ok := hasWord("flags", "NOLIBWRAP"); ok && s.b.get("libwrap") == nil && !s.bsd {
		s.flags("NOLIBWRAP")
	}
}

// pathless finds a program that inetd looks for in its PATH, or in its folder.
func (s *inetdService) pathless(name string) string {
	if strings.Contains(name, "/") {
		s.both("superd wants a whole path. inetd starts %s from its folder, mostly /.", name)
		return path.Join("/", name)
	}
	if found := s.find(name); found != "" {
		s.both("superd wants a whole path, where inetd looks into its PATH. On this machine %s is %s.", name, found)
		return found
	}
	s.both("superd wants a whole path, where inetd looks into its PATH. On this machine there is no %s: put in where it is.", name)
	return path.Join("/usr/bin", name)
}
