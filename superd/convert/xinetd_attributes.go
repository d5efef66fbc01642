package convert

import (
	"fmt"
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// attribute is how one of xinetd's attributes becomes superd's.
type attribute struct {
	count int // of its values; 0: any number
	to    func(s *service, l setting)
}

var xinetdAttributes map[string]attribute

func init() {
	xinetdAttributes = map[string]attribute{
		"id": {1, text}, "type": {0, words}, "flags": {0, words}, "socket_type": {1, socketType}, "protocol": {1, protocol},
		"wait": {1, truth}, "groups": {1, truth}, "disable": {1, disable}, "v6only": {1, v6only},
		"user": {1, user}, "group": {1, numberOrText}, "server": {1, server}, "server_args": {0, serverArgs}, "libwrap": {1, text},
		"umask": {1, umask}, "nice": {1, number}, "rlimit_as": {1, size}, "rlimit_cpu": {1, size}, "rlimit_data": {1, size},
		"rlimit_files": {1, size}, "rlimit_rss": {1, size}, "rlimit_stack": {1, size},
		"instances": {1, limit}, "per_source": {1, limit}, "cps": {2, cps}, "max_load": {1, number}, "deny_time": {1, denyTime},
		"access_times": {0, accessTimes}, "only_from": {0, addresses}, "no_access": {0, addresses},
		"log_type": {0, logType}, "log_on_success": {0, logFlags}, "log_on_failure": {0, logFlags},
		"rpc_version": {1, numberOrText}, "rpc_number": {1, number}, "env": {0, env}, "passenv": {0, lists}, "port": {1, port},
		"redirect": {2, redirect}, "bind": {1, bind}, "banner": {1, text}, "banner_success": {1, text}, "banner_fail": {1, text},
		"enabled": {0, lists}, "disabled": {0, lists}, "mdns": {0, mdns},
	}
}

func text(s *service, l setting) { s.put(l, quote(l.values[0])) }

func number(s *service, l setting) {
	if _, err := strconv.ParseFloat(l.values[0], 64); err != nil || strings.Trim(l.values[0], "+-.0123456789") != "" {
		s.refused(l, "%q is not a number.", l.values[0])
		return
	}
	s.put(l, plain(l.values[0]))
}

// plain is a number as HCL has it: without a plus, and with a digit before the point.
func plain(n string) string {
	n = strings.TrimPrefix(n, "+")
	negative := strings.HasPrefix(n, "-")
	n = strings.TrimPrefix(n, "-")
	if isNumber(n) {
		n = strings.TrimLeft(n, "0")
	}
	if n == "" || n[0] == '.' {
		n = "0" + n
	}
	n = strings.TrimSuffix(n, ".")
	if negative {
		return "-" + n
	}
	return n
}

func numberOrText(s *service, l setting) {
	if isNumber(l.values[0]) {
		s.put(l, plain(l.values[0]))
		return
	}
	s.put(l, quote(l.values[0]))
}

// truth is yes or no, as xinetd has them.
func truth(s *service, l setting) {
	switch strings.ToLower(l.values[0]) {
	case "yes":
		s.put(l, "true")
	case "no":
		s.put(l, "false")
	default:
		if v, ok := yesNo(l.values[0]); ok && slices.Contains(vital, l.name) {
			s.both(s.b, l.origin, "xinetd knows yes and no only, and with %s = %s leaves the service out.", l.name, l.values[0])
			s.put(l, strconv.FormatBool(v))
			return
		}
		s.refused(l, "%q is neither yes nor no.", l.values[0])
	}
}

func disable(s *service, l setting) {
	truth(s, l)
	if s.broken != nil && s.set["disable"] && !s.b.isOff() {
		s.both(s.b, l.origin, "With the value on line %d xinetd leaves the service out, but this line behind it switches it on again, without that value. Look it over.", s.broken.Line)
		s.broken = nil
	}
}

func v6only(s *service, l setting) {
	yes := strings.EqualFold(l.values[0], "yes")
	switch {
	case s.inDefaults && yes:
		s.ignored(l, "In defaults v6only = yes has no effect in xinetd: its services take IPv4 as well.")
	case !s.inDefaults && strings.EqualFold(l.values[0], "no"):
		s.both(s.b, l.origin, "In a service xinetd takes v6only = no for yes: IPv4 clients did not reach it. This keeps it so; to let them in, write v6only = false.")
		s.put(l, "true")
	default:
		truth(s, l)
	}
}

// words are those of type and flags; the ones that superd lacks are left out.
func words(s *service, l setting) {
	if len(l.values) == 0 {
		s.refused(l, "%s has no value.", l.name)
		return
	}
	var kept []string
	for _, v := range l.values {
		if strings.HasPrefix(v, "#") {
			s.both(s.b, l.origin, "xinetd has no comments behind a value, and with one here it leaves the service out. The comment is taken off.")
			break
		}
		upper := strings.ToUpper(v)
		s.words[l.name] = append(s.words[l.name], upper)
		if w, ok := hasWord(l.name, v); ok {
			if !slices.Contains(kept, w) {
				kept = append(kept, w)
			}
			continue
		}
		s.without(l, upper)
	}
	if len(kept) == 0 {
		return
	}
	if l.name == "flags" && slices.Contains(kept, "NAMEINARGS") && s.set["server_args"] {
		s.both(s.b, l.origin, "xinetd reads server_args before it knows of NAMEINARGS, and starts the program without a name. Here the first of server_args is its name, as was meant.")
	}
	s.put(l, wordOrList(l.name, kept))
}

// needed are the words without which a service would be another one, or open to others.
var needed = []string{"RPC", "TCPMUX", "TCPMUXPLUS", "SENSOR"}

// without leaves out a word that superd does not have.
func (s *service) without(l setting, word string) {
	why := s.objection(l.name, list([]string{word}))
	one := l
	one.text = l.name + " = " + word
	if _, known := xinetdWords[word]; !known {
		s.refused(one, "%s", why)
	} else if slices.Contains(needed, word) {
		s.missing(one, "%s", why)
	} else {
		s.ignored(one, "%s", why)
	}
}

// xinetdWords are the words that xinetd knows for type and flags.
var xinetdWords = func() map[string]struct{} {
	m := make(map[string]struct{})
	for _, w := range strings.Fields("RPC INTERNAL UNLISTED SPECIAL TCPMUX TCPMUXPLUS REUSE INTERCEPT NORETRY IDONLY NAMEINARGS NODELAY KEEPALIVE NOLIBWRAP SENSOR IPV4 IPV6 LABELED") {
		m[w] = struct{}{}
	}
	return m
}()

func socketType(s *service, l setting) {
	v := strings.ToLower(l.values[0])
	if _, ok := hasWord("socket_type", v); !ok && slices.Contains([]string{"raw", "seqpacket", "rdm"}, v) {
		s.missing(l, "%s", s.objection("socket_type", quote(v)))
		return
	}
	s.put(l, quote(v))
}

func protocol(s *service, l setting) {
	v := strings.ToLower(l.values[0])
	if base, ok := strings.CutSuffix(v, "6"); ok && (base == "tcp" || base == "udp") {
		s.both(s.b, l.origin, "xinetd knows no protocol %s; meant is flags = IPv6, probably.", v)
		v = base
	}
	s.put(l, quote(v))
}

// user: xinetd gives a number the group of the same number, whatever the user database says.
func user(s *service, l setting) {
	if name, group, ok := strings.Cut(l.values[0], ":"); ok && name != "" && group != "" {
		s.both(s.b, l.origin, "xinetd takes no group behind a user, finds no user %s, and leaves the service out. Taken as user and group, as was meant.", l.values[0])
		s.b.set("group", account(group), l.origin)
		l.values = []string{name}
	}
	numberOrText(s, l)
	if isNumber(l.values[0]) && s.b.get("group") == nil {
		s.both(s.b, l.origin, "xinetd gives a user that is a number the group of the same number. superd would take the group from the user database, hence the line group.")
		s.b.set("group", plain(l.values[0]), l.origin)
	}
}

func server(s *service, l setting) {
	p := l.values[0]
	if !strings.HasPrefix(p, "/") {
		s.both(s.b, l.origin, "xinetd starts %s from the folder that it was started in, mostly /.", p)
		p = path.Join("/", p)
	}
	s.put(l, quote(p))
}

func serverArgs(s *service, l setting) {
	if len(l.values) == 0 {
		s.refused(l, "server_args has no value.")
		return
	}
	if slices.ContainsFunc(l.values, func(w string) bool { return strings.HasPrefix(w, "#") }) {
		s.both(s.b, l.origin, "xinetd has no comments behind a value: the program gets the # and what follows as arguments.")
	}
	s.put(l, list(l.values))
}

func umask(s *service, l setting) {
	n, err := strconv.ParseUint(l.values[0], 8, 16)
	if err != nil || n > 0o777 {
		s.refused(l, "%q is not an octal number from 0 to 777.", l.values[0])
		return
	}
	s.put(l, fmt.Sprintf(`"%03o"`, n))
}

// size is a number with k or m, or UNLIMITED.
func size(s *service, l setting) {
	v := strings.ToUpper(l.values[0])
	digits := strings.TrimRight(v, "KM")
	switch {
	case v == "UNLIMITED":
		s.put(l, `"UNLIMITED"`)
	case !isNumber(digits) || len(v)-len(digits) > 1:
		s.refused(l, "%q is not a size.", l.values[0])
	case strings.Trim(digits, "0") == "":
		s.ignored(l, "To xinetd 0 is no limit of its own.")
	case v == digits:
		s.put(l, plain(v))
	default:
		s.put(l, quote(v))
	}
}

func limit(s *service, l setting) {
	if strings.EqualFold(l.values[0], "UNLIMITED") {
		s.put(l, `"UNLIMITED"`)
		return
	}
	number(s, l)
}

func cps(s *service, l setting) {
	if !isNumber(l.values[0]) || !isNumber(l.values[1]) {
		s.refused(l, "cps takes two numbers.")
		return
	}
	s.put(l, "["+plain(l.values[0])+", "+plain(l.values[1])+"]")
}

// port is a number to xinetd, where superd knows names too.
func port(s *service, l setting) {
	v := l.values[0]
	if isNumber(v) {
		s.put(l, plain(v))
		return
	}
	if s.put(l, quote(v)) {
		s.both(s.b, l.origin, "xinetd takes a number only for port, and with this leaves the service out. superd looks the name up in /etc/services.")
	}
}

func redirect(s *service, l setting) {
	host := strings.Trim(l.values[0], "[]")
	value := "[" + quote(host) + ", " + quote(l.values[1]) + "]"
	if isNumber(l.values[1]) {
		value = "[" + quote(host) + ", " + plain(l.values[1]) + "]"
	}
	why := s.objection("redirect", value)
	switch {
	case !has("redirect"):
		s.missing(l, "%s", why)
	case why != "":
		s.refused(l, "%s", why)
	default:
		s.put(l, value)
	}
}

var looksLikeDevice = regexp.MustCompile(`^(lo|eth|en[opsx]|wl|ww|br|bond|team|vlan|tun|tap|ppp|ib|usb|veth|virbr|vmbr|docker|wg|dummy)[0-9a-z.@-]*$`)

// bind takes an address; a host's name superd refuses, since it must start without DNS.
func bind(s *service, l setting) {
	v := strings.Trim(l.values[0], "[]")
	addr, err := netip.ParseAddr(v)
	switch {
	case err == nil && addr.IsMulticast():
		s.both(s.b, l.origin, "xinetd joins a multicast group that it is bound to; superd is bound to the address and joins none.")
		s.put(l, quote(v))
	case err == nil:
		s.put(l, quote(v))
	case strings.EqualFold(v, "localhost") && s.family() != "":
		s.put(l, quote(map[string]string{"IPV4": "127.0.0.1", "IPV6": "::1"}[s.family()]))
	case strings.EqualFold(v, "localhost"):
		s.both(s.b, l.origin, "superd takes no host names here. xinetd takes one of the addresses of localhost; these are both.")
		s.put(l, `["127.0.0.1", "::1"]`)
	case looksLikeDevice.MatchString(v):
		s.both(s.b, l.origin, "xinetd takes no interface here, whatever the attribute is called, and leaves the service out. superd listens on the interface, as was meant.")
		s.put(l, quote(v))
	case s.inDefaults:
		s.ignored(l, "superd takes no host names here, since it must start without DNS: write the address of %s. Without it services listen on all addresses.", v)
	default:
		s.missing(l, "superd takes no host names here, since it must start without DNS: write the address of %s.", v)
	}
}

// family is the flag IPV4 or IPV6 that stands anywhere in the service, or "" if neither or both do.
func (s *service) family() string {
	found := ""
	for _, l := range s.lines {
		if l.name != "flags" {
			continue
		}
		for _, w := range l.values {
			switch w = strings.ToUpper(w); {
			case w != "IPV4" && w != "IPV6":
			case found == "":
				found = w
			case found != w:
				return ""
			}
		}
	}
	return found
}

func denyTime(s *service, l setting) {
	v := strings.ToUpper(l.values[0])
	for _, value := range []string{quote(v), plain(v), quote(v + "m")} {
		if value == plain(v) && !isNumber(v) {
			continue
		}
		if s.objection("deny_time", value) == "" {
			s.put(l, value)
			return
		}
	}
	s.ignored(l, "%s", s.objection("deny_time", quote(v)))
}

func mdns(s *service, l setting) { s.ignored(l, "%s", s.objection("mdns", "true")) }

func logType(s *service, l setting) {
	if len(l.values) > 0 && !slices.Contains([]string{"SYSLOG", "FILE"}, strings.ToUpper(l.values[0])) {
		s.refused(l, "xinetd's kinds of log are SYSLOG and FILE.")
		return
	}
	s.put(l, quote(strings.Join(l.values, " ")))
}

// accessTimes are H:M-H:M; superd wants two digits for the minutes.
func accessTimes(s *service, l setting) {
	if len(l.values) == 0 {
		s.refused(l, "access_times has no value.")
		return
	}
	var windows []string
	for _, v := range l.values {
		var h, m [2]int
		if n, err := fmt.Sscanf(v+"\n", "%d:%d-%d:%d\n", &h[0], &m[0], &h[1], &m[1]); err != nil || n != 4 {
			s.refused(l, "%q is not a stretch of time, such as 8:00-18:00.", v)
			return
		}
		if h[1] == 24 || h[0]*60+m[0] >= h[1]*60+m[1] {
			s.both(s.b, l.origin, "xinetd refuses %s, since it knows neither 24:00 nor a stretch over midnight, and leaves the service out. superd knows both.", v)
		}
		windows = append(windows, fmt.Sprintf("%02d:%02d-%02d:%02d", h[0], m[0], h[1], m[1]))
	}
	s.put(l, list(windows))
}
