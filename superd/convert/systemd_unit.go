package convert

import (
	"fmt"
	"math"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"superd/superd/config"
)

// unitConverter makes one block of a socket and its service.
type unitConverter struct {
	*pairing
	b     *block
	first bool // of the blocks of its units: it says what holds for all of them
	flags []string

	env, passenv []string
	fromFiles    []string // variables of files; they win over those of env
}

// say remarks once, and leaves a comment in each block.
func (c *unitConverter) say(a assignment, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	c.b.note(text, a.origin)
	if c.first {
		c.remark(a.Place, "%s", text)
	}
}

// off switches the service off.
func (c *unitConverter) off(a assignment, format string, args ...any) {
	c.say(a, format+" The service is off.", args...)
	c.b.set("disable", "true", a.origin)
}

// lost is a line that superd has nothing for.
func (c *unitConverter) lost(a assignment, format string, args ...any) {
	c.say(a, "%s -- %s", excerpt(a.text), fmt.Sprintf(format, args...))
}

// put gives an attribute a value, if superd takes it.
func (c *unitConverter) put(a assignment, name, value string) {
	if why := c.judge.Objection(name, value, config.InService); why != "" {
		c.lost(a, "%s", why)
		return
	}
	c.b.set(name, value, a.origin)
}

func (c *unitConverter) convert(listens []listen) {
	first := listens[0]
	c.b = &block{label: c.base, at: first.from.origin}
	c.services = append(c.services, c.b)
	c.put(first.from, "type", `"UNLISTED"`)
	c.put(first.from, "socket_type", quote(first.kind))
	c.put(first.from, "port", plain(first.port))
	var hosts []string
	for _, l := range listens {
		if l.host != "" && !slices.Contains(hosts, l.host) {
			hosts = append(hosts, l.host)
		}
	}
	if len(hosts) > 0 && !slices.ContainsFunc(listens, func(l listen) bool { return l.host == "" }) {
		from := first.from
		if why := c.judge.Objection("bind", wordOrList("bind", hosts), config.InService); why != "" {
			c.off(from, "%s", why)
		} else {
			c.put(from, "bind", wordOrList("bind", hosts))
		}
	}
	wait := !c.accept || first.kind == "dgram" // of datagrams there is nothing to accept
	from := first.from
	if a, ok := c.socket.last("Socket", "Accept"); ok {
		from = a
	}
	c.put(from, "wait", strconv.FormatBool(wait))
	c.unit(c.socket)
	c.limits()
	if c.accept {
		c.most()
	}
	if c.service == nil {
		c.off(first.from, "There is no %s beside the socket, so there is no program.", c.absent)
		return
	}
	c.unit(c.service)
	c.program()
	if _, ok := hasWord("flags", "NOLIBWRAP"); ok { // systemd does not ask hosts.allow and hosts.deny
		c.flag(first.from, "NOLIBWRAP")
	}
}

// most is systemd's own limit for Accept=yes.
func (c *unitConverter) most() {
	if _, ok := c.socket.last("Socket", "MaxConnections"); !ok {
		c.b.rows = append(c.b.rows, row{comment: "# systemd's own MaxConnections"})
		c.b.set("instances", "64", c.b.at)
	}
}

// unit converts the lines of a unit in their order.
func (c *unitConverter) unit(u *unit) {
	for _, a := range u.lines {
		if a.comment != "" {
			r := row{comment: a.comment, from: []origin{a.origin}}
			if c.first && a.section == "" {
				c.b.before = append(c.b.before, r)
			} else if c.first {
				c.b.rows = append(c.b.rows, r)
			}
			continue
		}
		switch section := a.section; {
		case section == "Unit" && (a.key == "Description" || a.key == "Documentation"):
			if c.first {
				c.b.before = append(c.b.before, row{comment: "# " + oneLine(a.value), from: []origin{a.origin}})
			}
		case section == "Install" || strings.HasPrefix(section, "X-") || strings.HasPrefix(a.key, "X-"):
		case section == "Unit" && (slices.Contains(ordering, a.key) || slices.Contains(binding, a.key) && c.ownSocket(a.value)),
			section == "Socket" && slices.Contains(ofFiles, a.key):
			c.b.rows = append(c.b.rows, row{comment: "# " + oneLine(a.text), from: []origin{a.origin}})
		case section == "Socket" || section == "Service":
			c.key(u, a)
		default:
			c.lost(a, "superd has nothing for it.")
		}
	}
}

// ordering are the keys that say when systemd starts what, and keeps it; for superd, which starts programs for clients, they mean nothing.
var ordering = []string{
	"After", "Before", "Wants", "DefaultDependencies", "PartOf", "CollectMode", "IgnoreOnIsolate", "StopWhenUnneeded", "RefuseManualStart", "RefuseManualStop",
	"PropagatesReloadTo", "ReloadPropagatedFrom", "StartLimitIntervalSec", "StartLimitBurst",
}

// binding are the keys of units without which systemd does not start this one.
var binding = []string{"Requires", "Requisite", "BindsTo"}

// ownSocket reports whether a list of units is the socket alone, which is there.
func (c *unitConverter) ownSocket(units string) bool {
	return strings.TrimSpace(units) == c.base+".socket"
}

// ofFiles are the keys that are about sockets in the file system, of which it is said that superd has none.
var ofFiles = []string{"SocketMode", "SocketUser", "SocketGroup", "DirectoryMode", "Symlinks", "RemoveOnStop", "PassCredentials", "PassSecurity"}

// key converts one line. Of a key that counts once, the last line does.
func (c *unitConverter) key(u *unit, a assignment) {
	if a.value == "" || slices.Contains(elsewhere, a.key) {
		return
	}
	if last, _ := u.last(a.section, a.key); last.origin != a.origin && !slices.Contains(additive, a.key) {
		c.b.rows = append(c.b.rows, row{comment: mark + oneLine(excerpt(a.text)) + " -- is set again below, and the last counts.", from: []origin{a.origin}})
		return
	}
	if strings.Contains(a.value, "%") && a.key != "ExecStart" {
		value, bad := c.specifiers(a.value)
		if bad != "" {
			c.lost(a, "superd does not know what %s is.", bad)
			return
		}
		a.value = value
	}
	convert, ok := unitKeys[a.key]
	if !ok {
		c.lost(a, "superd has nothing for it.")
		return
	}
	convert(c, a)
}

// elsewhere are the keys that are looked at by themselves, or that change nothing for a program that is started for a client.
var elsewhere = []string{
	"ListenStream", "ListenDatagram", "Accept", "Service", "ExecStart", "User", "Group", "IPAddressAllow", "IPAddressDeny",
	"StandardInput", "TriggerLimitIntervalSec", "TriggerLimitBurst", "PollLimitIntervalSec", "PollLimitBurst", "Sockets", "DynamicUser",
}

// additive are the keys of which each line counts.
var additive = []string{"Environment", "PassEnvironment", "SupplementaryGroups", "EnvironmentFile", "ExecStartPre", "ExecStartPost", "ExecStop", "ExecStopPost"}

// specifiers puts in what a %-specifier stands for; bad is one that is known only to systemd.
func (c *unitConverter) specifiers(text string) (value, bad string) {
	name := c.base + ".service"
	if c.accept {
		name = c.base + "@.service"
	}
	known := map[byte]string{
		'%': "%", 'p': c.base, 'P': c.base, 'n': name, 'N': strings.TrimSuffix(name, ".service"), 'j': c.base[strings.LastIndexByte(c.base, '-')+1:],
		't': "/run", 'S': "/var/lib", 'C': "/var/cache", 'L': "/var/log", 'E': "/etc", 'T': "/tmp", 'V': "/var/tmp",
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '%' {
			b.WriteByte(text[i])
			continue
		}
		if i++; i == len(text) {
			b.WriteByte('%')
			break
		}
		s, ok := known[text[i]]
		if !ok {
			return "", "%" + text[i:i+1]
		}
		b.WriteString(s)
	}
	return b.String(), ""
}

// program converts what the service runs, as whom, and how it is given the socket.
func (c *unitConverter) program() {
	c.user()
	all := c.service.list("Service", "ExecStart")
	if len(all) == 0 {
		c.off(c.any(), "The service has no ExecStart.")
		return
	}
	for _, a := range all[1:] {
		c.lost(a, "superd starts one program for each client.")
	}
	c.start(all[0])
}

// any is a place in the service for what stands in none of its lines.
func (c *unitConverter) any() assignment {
	if len(c.service.lines) > 0 {
		return c.service.lines[0]
	}
	return assignment{origin: origin{Place: Place{File: c.service.path}}}
}

// input looks at where the program finds the socket.
func (c *unitConverter) input() {
	a, ok := c.service.last("Service", "StandardInput")
	if ok && a.value == "socket" {
		return
	}
	if !ok {
		a = c.any()
	}
	c.say(a, "Without StandardInput=socket systemd hands the socket over as descriptor 3, with LISTEN_FDS. superd gives it as 0, 1 and 2: the program must take it there, mostly by an option such as --inetd.")
}

// user: systemd's own default is root, and a user always has its groups.
func (c *unitConverter) user() {
	a, ok := c.service.last("Service", "User")
	dynamic, isDynamic := c.service.last("Service", "DynamicUser")
	on, _ := yesNo(dynamic.value)
	switch {
	case ok:
		value, bad := c.specifiers(a.value)
		if bad != "" {
			c.off(a, "superd does not know what %s is.", bad)
			return
		}
		c.put(a, "user", account(value))
		c.put(a, "groups", "true")
	case isDynamic && on:
		c.say(dynamic, "superd makes no users for a program: instead of DynamicUser it runs as nobody.")
		c.put(dynamic, "user", `"nobody"`)
	default:
		c.b.rows = append(c.b.rows, row{comment: "# systemd's own default"})
		c.b.set("user", `"root"`, c.any().origin)
	}
	if g, ok := c.service.last("Service", "Group"); ok {
		c.put(g, "group", account(g.value))
	}
}

// start reads ExecStart: prefixes, quotes, $VARIABLES and %-specifiers.
func (c *unitConverter) start(a assignment) {
	words, err := unitWords(a.value)
	if err != nil || len(words) == 0 {
		c.off(a, "ExecStart cannot be read: %s.", errWords)
		return
	}
	name := strings.TrimLeft(words[0], "@-:+!|")
	prefixes := words[0][:len(words[0])-len(name)]
	words[0] = name
	if strings.ContainsAny(prefixes, "+!") {
		c.say(a, "A + or ! before the program makes systemd start it as root, whatever User says; superd starts it as user.")
	}
	if strings.Contains(prefixes, "|") {
		c.off(a, "A | before the program has a shell start it, which superd does not do.")
	}
	words, ok := c.expand(a, words, !strings.Contains(prefixes, ":"))
	if !ok {
		return
	}
	if i := slices.Index(words, ";"); i > 0 {
		c.lost(a, "superd starts one program for each client, the first.")
		words = words[:i]
	}
	c.command(a, words, strings.Contains(prefixes, "@"))
}

// expand puts in what specifiers and variables stand for. A variable that Environment does not set is nothing.
func (c *unitConverter) expand(a assignment, words []string, variables bool) (expanded []string, ok bool) {
	env := make(map[string]string)
	for _, v := range append(slices.Clip(c.env), c.fromFiles...) {
		name, value, _ := strings.Cut(v, "=")
		env[name] = value
	}
	lookUp := func(name string) string {
		value, set := env[name]
		if !set {
			c.say(a, "superd does not put variables into arguments. Nothing sets %s, so it is left out here; write what belongs there.", name)
		}
		return value
	}
	for i, w := range words {
		w, bad := c.specifiers(w)
		if bad != "" {
			c.off(a, "superd does not know what %s is.", bad)
			return nil, false
		}
		name, whole := strings.CutPrefix(w, "$")
		switch {
		case !variables || i == 0:
			expanded = append(expanded, w)
		case whole && isVariable(name):
			expanded = append(expanded, strings.Fields(lookUp(name))...)
		default:
			expanded = append(expanded, braces.ReplaceAllStringFunc(w, func(v string) string {
				if v == "$$" {
					return "$"
				}
				return lookUp(v[2 : len(v)-1])
			}))
		}
	}
	return expanded, true
}

var (
	braces   = regexp.MustCompile(`\$\$|\$\{[A-Za-z_][A-Za-z0-9_]*\}`)
	variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

func isVariable(name string) bool { return variable.MatchString(name) }

func (c *unitConverter) command(a assignment, words []string, named bool) {
	program := words[0]
	if c.proxy(a, words) {
		return
	}
	c.input()
	if !strings.HasPrefix(program, "/") {
		found := c.find(program)
		if found == "" {
			found = path.Join("/usr/bin", program)
		}
		c.say(a, "superd wants a whole path, where systemd looks for %s: it is taken for %s.", program, found)
		program = found
	}
	c.put(a, "server", quote(program))
	args := words[1:]
	if named && len(args) > 0 {
		c.flag(a, "NAMEINARGS")
	}
	if len(args) > 0 {
		c.put(a, "server_args", list(args))
	}
}

// proxy makes a redirection of systemd-socket-proxyd(8), which does nothing else.
func (c *unitConverter) proxy(a assignment, words []string) bool {
	if path.Base(words[0]) != "systemd-socket-proxyd" || !has("redirect") || c.b.socket() != "stream" {
		return false
	}
	target, most, rest := proxydWords(words[1:])
	host, port, err := parseListen(target)
	if strings.HasPrefix(target, "/") || strings.HasPrefix(target, "@") {
		c.off(a, "superd redirects to TCP and UDP only, and not to %s.", target)
	}
	if err != nil || host == "" {
		return false
	}
	for _, name := range []string{"user", "group", "groups", "instances"} {
		c.b.drop(name)
	}
	c.b.set("wait", "false", a.origin)
	c.put(a, "redirect", "["+quote(host)+", "+plain(port)+"]")
	if most != "" {
		c.put(a, "instances", plain(most))
	}
	if len(rest) > 0 {
		c.say(a, "superd's redirect takes the place of systemd-socket-proxyd, without its options: %s.", excerpt(strings.Join(rest, " ")))
	}
	return true
}

// proxydWords parts the arguments of systemd-socket-proxyd(8), whose options may stand behind the target, too.
func proxydWords(words []string) (target, most string, rest []string) {
	for i := 0; i < len(words); i++ {
		name, value, joined := strings.Cut(words[i], "=")
		switch {
		case name == "-c", name == "--connections-max", name == "--exit-idle-time":
			if !joined && i+1 < len(words) {
				i++
				value = words[i]
			}
			if name != "--exit-idle-time" && isNumber(value) { // a redirection is not a process that could idle
				most = value
			}
		case strings.HasPrefix(name, "-"):
			rest = append(rest, words[i])
		default:
			target = words[i]
		}
	}
	return target, most, rest
}

// flag adds one of flags.
func (c *unitConverter) flag(a assignment, word string) {
	c.flags = append(c.flags, word)
	c.put(a, "flags", list(c.flags))
}

// timeSpan reads systemd.time(7): "1min 30s", "infinity", or seconds.
func timeSpan(text string) (d time.Duration, infinite, ok bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	if text == "infinity" {
		return 0, true, true
	}
	units := map[string]float64{
		"": 1, "s": 1, "sec": 1, "second": 1, "seconds": 1, "ms": 1e-3, "msec": 1e-3, "us": 1e-6, "usec": 1e-6, "m": 60, "min": 60, "minute": 60, "minutes": 60,
		"h": 3600, "hr": 3600, "hour": 3600, "hours": 3600, "d": 86400, "day": 86400, "days": 86400, "w": 604800, "week": 604800, "weeks": 604800,
	}
	seconds, rest := 0.0, text
	for rest != "" {
		digits := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789."))]
		rest = strings.TrimLeft(rest[len(digits):], " ")
		unit := rest[:len(rest)-len(strings.TrimLeft(rest, "abcdefghijklmnopqrstuvwxyz"))]
		rest = strings.TrimLeft(rest[len(unit):], " ")
		n, err := strconv.ParseFloat(digits, 64)
		factor, known := units[unit]
		if err != nil || !known {
			return 0, false, false
		}
		seconds += n * factor
	}
	if text == "" || seconds > math.MaxInt32 {
		return 0, false, false
	}
	return time.Duration(seconds * float64(time.Second)), false, true
}
