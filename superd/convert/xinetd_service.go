package convert

import (
	"fmt"
	"slices"
	"strings"

	"superd/superd/config"
)

// service is one entry of xinetd on its way into a block.
type service struct {
	*xinetd
	b          *block
	lines      []setting
	inDefaults bool
	set        map[string]bool       // attributes that were given a value
	lists      map[string]*listState // of those that take += and -=
	words      map[string][]string   // type and flags, as written
	broken     *origin               // where xinetd switched the service off for a bad value
	lacking    *origin               // where superd has nothing for what the service cannot do without
}

// listState is what an attribute that takes = and += and -= holds so far.
type listState struct {
	base  bool // on top of what defaults have
	words []string
	last  setting
}

func (x *xinetd) service(e *entry) *block {
	b := &block{label: e.name, at: e.at, before: e.before}
	s := &service{xinetd: x, b: b, lines: e.lines, set: map[string]bool{}, lists: map[string]*listState{}, words: map[string][]string{}}
	x.services = append(x.services, b)
	if e.lost != "" {
		x.both(b, e.lostAt, "xinetd left the whole service out: %s. The service is off.", e.lost)
	}
	for _, l := range e.lines {
		s.line(l)
	}
	if e.lost != "" {
		b.set("disable", "true", e.lostAt)
	}
	s.complete()
	if x.defaults == nil {
		x.early = append(x.early, s)
	}
	return b
}

// synonyms are xinetd's second names.
var synonyms = map[string]string{"interface": "bind"}

// line converts one line.
func (s *service) line(l setting) {
	switch {
	case l.isRemark():
		s.b.rows = append(s.b.rows, row{comment: l.comment, from: []origin{l.origin}})
		return
	case l.name == "":
		s.b.note("no setting: "+excerpt(l.text), l.origin)
		return
	case l.bad != "":
		s.remark(l.Place, "xinetd does not read this line: %s.", l.bad)
	}
	if name, ok := synonyms[l.name]; ok {
		l.name = name
	}
	convert, known := xinetdAttributes[l.name]
	switch {
	case s.inDefaults && known && !slices.Contains(ofDefaults, l.name):
		s.ignored(l, "In defaults xinetd does not know %s.", l.name)
		return
	case !known:
		s.unknown(l)
		return
	}
	if !slices.Contains(listed, l.name) && !s.mayBeSet(l) {
		return
	}
	if want := convert.count; want > 0 && len(l.values) != want {
		fixed, ok := s.mend(l, want)
		if !ok {
			return
		}
		l = fixed
	}
	if quoted(l.values) {
		l = s.quotes(l)
	}
	convert.to(s, l)
}

// unknown is an attribute that is not xinetd's. If superd has it, it stands in a file that somebody has begun to change.
func (s *service) unknown(l setting) {
	why := s.judge.Objection(l.name, `""`, config.InService)
	if has(l.name) {
		why = "superd has it; write it as superd.hcl(5) says."
	}
	s.ignored(l, "xinetd knows no attribute %q. %s", l.name, why)
}

// mayBeSet refuses what xinetd refuses of an attribute that has one value.
func (s *service) mayBeSet(l setting) bool {
	switch {
	case l.op != "=":
		s.ignored(l, "xinetd takes only = for %s.", l.name)
		return false
	case s.set[l.name]:
		s.ignored(l, "%s is set already, and of two settings the first counts.", l.name)
		return false
	}
	return true
}

// ignored is a line that xinetd read without effect, or that superd has nothing for: a comment in its place.
func (s *service) ignored(l setting, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	s.b.note(excerpt(l.text)+" -- "+text, l.origin)
	s.remark(l.Place, "%s The line is left out.", text)
}

// vital are the attributes without which there is no service, so that xinetd left out those that had them wrong.
var vital = []string{"socket_type", "protocol", "wait", "user", "server", "port", "disable", "id", "rpc_version", "rpc_number"}

// mend looks at a line with a wrong number of values. A comment behind the value of a vital attribute is taken off.
func (s *service) mend(l setting, want int) (setting, bool) {
	words := l.values
	if i := slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, "#") }); i >= 0 {
		words = words[:i]
	}
	switch {
	case len(words) == want && len(words) < len(l.values) && slices.Contains(vital, l.name):
		s.both(s.b, l.origin, "xinetd has no comments behind a value, and without a good %s it leaves the service out. The comment is taken off.", l.name)
		l.values = words
		return l, true
	case len(words) == want && len(words) < len(l.values):
		s.ignored(l, "xinetd has no comments behind a value: it found %d values, wants %d, and ignores the line, so this was never in force. Meant was %s = %s, probably.",
			len(l.values), want, l.name, strings.Join(words, " "))
	case l.name == "server" && len(words) > 1:
		s.both(s.b, l.origin, "xinetd wants one value for server and leaves the service out. The words behind the first are taken for server_args.")
		rest := l
		rest.name, rest.values = "server_args", words[1:]
		l.values = words[:1]
		if !s.set["server_args"] {
			serverArgs(s, rest)
		}
		return l, true
	case len(l.values) == 0:
		s.ignored(l, "%s has no value, and xinetd ignores the line.", l.name)
	default:
		s.ignored(l, "xinetd wants %d for %s, found %d, and ignores the line.", want, l.name, len(l.values))
	}
	return l, false
}

func quoted(words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.ContainsAny(w, `"'`) })
}

// anyText are the attributes that may have quotes in their values, for xinetd takes every text there.
var anyText = []string{"server_args", "env", "passenv", "only_from", "no_access", "banner", "banner_success", "banner_fail", "libwrap", "enabled", "disabled"}

// quotes looks at a line with quotes, which xinetd does not know. Where they make a value wrong they are taken off.
func (s *service) quotes(l setting) setting {
	if slices.Contains(anyText, l.name) {
		s.both(s.b, l.origin, "xinetd knows no quotes: in %s they are a part of the words, and blanks between them part words.", l.name)
		return l
	}
	l.values = slices.Clone(l.values)
	for i, w := range l.values {
		l.values[i] = strings.Trim(w, `"'`)
	}
	s.both(s.b, l.origin, "xinetd knows no quotes, and with them in %s it leaves the service out. They are taken off.", l.name)
	return l
}

// put gives an attribute a value, if superd takes it.
func (s *service) put(l setting, value string) bool {
	switch why := s.objection(l.name, value); {
	case !has(l.name):
		s.ignored(l, "%s", why)
		return false
	case why != "":
		s.refused(l, "%s", why)
		return false
	}
	s.b.set(l.name, value, l.origin)
	s.set[l.name] = true
	return true
}

func (s *service) objection(name, value string) string {
	in := config.InService
	if s.inDefaults {
		in = config.InDefaults
	}
	return s.judge.Objection(name, value, in)
}

// refused is a value that neither xinetd nor superd can take: xinetd switched the service off, and in defaults ended itself.
func (s *service) refused(l setting, format string, args ...any) {
	if s.inDefaults {
		s.ignored(l, format, args...)
		return
	}
	s.ignored(l, format, args...)
	s.broken = &l.origin
}

// missing is a value that superd has nothing for, in a service that should not run without it.
func (s *service) missing(l setting, format string, args ...any) {
	s.ignored(l, format, args...)
	s.lacking = &l.origin
}

// complete looks at the service as a whole.
func (s *service) complete() {
	b := s.b
	s.show()
	internal := slices.Contains(s.words["type"], "INTERNAL")
	if s.broken != nil && !b.isOff() {
		s.switchOff(b, *s.broken, "With such a value xinetd leaves the service out.")
	}
	if s.lacking != nil && !b.isOff() {
		s.switchOff(b, *s.lacking, "superd cannot do what the service needs.")
	}
	for _, name := range []string{"socket_type", "wait", "user", "server"} {
		switch {
		case b.isOff() || b.get(name) != nil:
		case name == "socket_type" && b.get("protocol") != nil:
		case internal && name != "socket_type":
		case name == "server" && b.get("redirect") != nil:
		default:
			s.switchOff(b, b.at, "The service has no %s, and xinetd leaves it out.", name)
		}
	}
	if slices.Contains(s.words["type"], "UNLISTED") && b.get("port") == nil && !b.isOff() && !s.withoutPort() {
		s.switchOff(b, b.at, "A service of type UNLISTED has no port, and xinetd leaves it out.")
	}
	if r := b.get("wait"); r != nil && r.value == "false" && s.isDgram() && !internal {
		s.remark(b.at.Place, "xinetd refuses a dgram service with wait = no; superd starts a program for each peer.")
	}
	s.wider()
}

// withoutPort reports whether the service is reached by other ways.
func (s *service) withoutPort() bool {
	return slices.ContainsFunc(s.words["type"], func(w string) bool { return w == "TCPMUX" || w == "TCPMUXPLUS" || w == "RPC" })
}

func (s *service) isDgram() bool {
	r, p := s.b.get("socket_type"), s.b.get("protocol")
	return r != nil && r.value == `"dgram"` || r == nil && p != nil && p.value == `"udp"`
}
