package convert

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"superd/superd/config"
)

// unitKeys are the keys of units that superd has something for.
var unitKeys map[string]func(c *unitConverter, a assignment)

func init() {
	unitKeys = map[string]func(c *unitConverter, a assignment){
		"Backlog": func(c *unitConverter, a assignment) {
			if n, err := strconv.ParseUint(a.value, 10, 64); err == nil && n > 65535 {
				c.put(a, "backlog", "0") // as many as the kernel allows
				return
			}
			c.count(a, "backlog")
		},
		"BindIPv6Only":            bindIPv6Only,
		"BindToDevice":            bindToDevice,
		"MaxConnections":          func(c *unitConverter, a assignment) { c.count(a, "instances") },
		"MaxConnectionsPerSource": func(c *unitConverter, a assignment) { c.orUnlimited(a, "per_source") },
		"KeepAlive":               func(c *unitConverter, a assignment) { c.flagIf(a, "KEEPALIVE") },
		"NoDelay":                 func(c *unitConverter, a assignment) { c.flagIf(a, "NODELAY") },
		"ReusePort":               reusePort,
		"SELinuxContextFromNet":   contextFromNet,
		"StandardOutput":          output,
		"StandardError":           output,
		"Type":                    programType,
		"Restart":                 restart,
		"RemainAfterExit":         unlessYes,
		"WorkingDirectory":        workingDirectory,
		"RootDirectory":           func(c *unitConverter, a assignment) { c.vital(a, "chroot", quote(a.value)) },
		"UMask":                   unitUmask,
		"Nice":                    func(c *unitConverter, a assignment) { c.put(a, "nice", plain(a.value)) },
		"NoNewPrivileges":         noNewPrivileges,
		"Environment":             environment,
		"EnvironmentFile":         environmentFile,
		"PassEnvironment":         passEnvironment,
		"SupplementaryGroups": func(c *unitConverter, a assignment) {
			c.lost(a, "A program of superd has the groups of its user, and no others.")
		},
		"RuntimeMaxSec":  func(c *unitConverter, a assignment) { c.span(a, "max_lifetime") },
		"TimeoutStopSec": func(c *unitConverter, a assignment) { c.span(a, "grace") },
		"RootImage":      func(c *unitConverter, a assignment) { c.off(a, "superd mounts no images.") },
		"FreeBind": func(c *unitConverter, a assignment) {
			if yes, ok := yesNo(a.value); yes || !ok {
				c.lost(a, "superd tries again until the address is there.")
			}
		},
		"FileDescriptorName": func(c *unitConverter, a assignment) { c.lost(a, "superd's descriptors are 0, 1 and 2.") },
	}
	for name, attribute := range map[string]string{
		"LimitAS": "rlimit_as", "LimitDATA": "rlimit_data", "LimitSTACK": "rlimit_stack", "LimitRSS": "rlimit_rss", "LimitCORE": "rlimit_core",
		"LimitFSIZE": "rlimit_fsize", "LimitNOFILE": "rlimit_files", "LimitNPROC": "rlimit_nproc", "LimitCPU": "rlimit_cpu",
	} {
		unitKeys[name] = func(c *unitConverter, a assignment) { c.rlimit(a, attribute) }
	}
}

// vital is put, and without it the service is off.
func (c *unitConverter) vital(a assignment, name, value string) {
	if why := c.judge.Objection(name, value, config.InService); why != "" {
		c.off(a, "%s", why)
		return
	}
	c.put(a, name, value)
}

func (c *unitConverter) count(a assignment, name string) {
	if !isNumber(a.value) {
		c.lost(a, "%q is no number.", a.value)
		return
	}
	c.put(a, name, plain(a.value))
}

// orUnlimited is a count of which 0 is no limit.
func (c *unitConverter) orUnlimited(a assignment, name string) {
	if isNumber(a.value) && strings.Trim(a.value, "0") == "" {
		c.put(a, name, `"UNLIMITED"`)
		return
	}
	c.count(a, name)
}

func (c *unitConverter) flagIf(a assignment, word string) {
	switch yes, ok := yesNo(a.value); {
	case !ok:
		c.lost(a, "%q is neither yes nor no.", a.value)
	case yes:
		c.flag(a, word)
	}
}

// contextFromNet: with Accept=no systemd pays no attention to it.
func contextFromNet(c *unitConverter, a assignment) {
	if yes, ok := yesNo(a.value); ok && yes && !c.accept {
		c.lost(a, "It is about Accept=yes: one process cannot have the label of each client.")
		return
	}
	c.flagIf(a, "LABELED")
}

func bindIPv6Only(c *unitConverter, a assignment) {
	switch a.value {
	case "ipv6-only":
		if c.b.get("bind") == nil {
			c.flag(a, "IPv6")
		}
		c.put(a, "v6only", "true")
	case "both":
		c.put(a, "v6only", "false")
	case "default":
	default:
		c.lost(a, "%q is not default, both or ipv6-only.", a.value)
	}
}

// bindToDevice: superd's bind takes an address or an interface, not both.
func bindToDevice(c *unitConverter, a assignment) {
	if c.b.get("bind") != nil {
		c.off(a, "superd listens on an address or on an interface, and not on an address of one interface alone.")
		return
	}
	c.vital(a, "bind", quote(a.value))
}

func noNewPrivileges(c *unitConverter, a assignment) {
	switch yes, ok := yesNo(a.value); {
	case !ok:
		c.lost(a, "%q is neither yes nor no.", a.value)
	case yes:
		c.put(a, "no_new_privs", "true")
	}
}

func reusePort(c *unitConverter, a assignment) {
	if yes, ok := yesNo(a.value); ok && !yes {
		return
	}
	if has("reuse_port") {
		c.put(a, "reuse_port", "true")
		return
	}
	c.lost(a, "superd does not share its ports with other programs.")
}

// output is where the program writes: superd's programs write to the client.
func output(c *unitConverter, a assignment) {
	switch a.value {
	case "socket", "inherit":
	default:
		c.lost(a, "What a program of superd writes, to its standard error too, goes to the client.")
	}
}

func programType(c *unitConverter, a assignment) {
	if !slices.Contains([]string{"simple", "exec", "idle"}, a.value) {
		c.lost(a, "superd takes a program that it has started for ready, and one that has exited for gone.")
	}
}

func restart(c *unitConverter, a assignment) {
	if a.value != "no" {
		c.lost(a, "superd starts a program when a client comes, and not again by itself.")
	}
}

func unlessYes(c *unitConverter, a assignment) {
	if yes, ok := yesNo(a.value); !ok || yes {
		c.lost(a, "superd has nothing for it.")
	}
}

func workingDirectory(c *unitConverter, a assignment) {
	dir := strings.TrimPrefix(a.value, "-")
	if dir == "~" {
		c.lost(a, "superd wants the path of the folder, and not ~.")
		return
	}
	c.put(a, "directory", quote(dir))
}

func unitUmask(c *unitConverter, a assignment) {
	n, err := strconv.ParseUint(a.value, 8, 16)
	if err != nil || n > 0o777 {
		c.lost(a, "%q is not an octal number from 000 to 777.", a.value)
		return
	}
	c.put(a, "umask", fmt.Sprintf(`"%03o"`, n))
}

// environment adds the variables of a line to those of the lines before.
func environment(c *unitConverter, a assignment) {
	words, err := unitWords(a.value)
	if err != nil {
		c.lost(a, "It cannot be read: %s.", err)
		return
	}
	for _, w := range words {
		if why := c.judge.Objection("env", list([]string{w}), config.InService); why != "" {
			c.lost(a, "%s", why)
			continue
		}
		c.env = append(c.env, w)
	}
	c.grow(a, "env", func() string { return list(c.env) }, len(c.env))
}

func passEnvironment(c *unitConverter, a assignment) {
	c.passenv = append(c.passenv, strings.Fields(a.value)...)
	c.grow(a, "passenv", func() string { return "concat(defaults.passenv, " + list(c.passenv) + ")" }, len(c.passenv))
}

// grow keeps the place of a list in the first of its lines, and gives it its value in the last.
func (c *unitConverter) grow(a assignment, name string, value func() string, n int) {
	if last, _ := c.service.last("Service", a.key); last.origin != a.origin {
		c.b.set(name, "[]", a.origin)
		return
	}
	if n > 0 {
		c.put(a, name, value())
	}
}

// span is a stretch of time; infinity is none for max_lifetime, and cannot be for grace.
func (c *unitConverter) span(a assignment, name string) {
	d, infinite, ok := timeSpan(a.value)
	switch {
	case !ok:
		c.lost(a, "%q is no stretch of time.", a.value)
	case infinite && name == "max_lifetime":
		c.put(a, name, "0")
	case infinite:
		c.lost(a, "superd does not wait for ever.")
	case d%time.Second == 0 && d%time.Minute != 0 || d == 0:
		c.put(a, name, quote(fmt.Sprintf("%ds", d/time.Second)))
	case d%time.Hour == 0:
		c.put(a, name, quote(fmt.Sprintf("%dh", d/time.Hour)))
	case d%time.Minute == 0:
		c.put(a, name, quote(fmt.Sprintf("%dm", d/time.Minute)))
	default:
		c.put(a, name, quote(d.String()))
	}
}

// rlimit is "VALUE" or "SOFT:HARD"; superd sets both to one value.
func (c *unitConverter) rlimit(a assignment, name string) {
	soft, hard, two := strings.Cut(a.value, ":")
	if two && soft != hard {
		c.say(a, "superd's limits are soft and hard at once: %s = %s takes the soft one.", a.key, a.value)
	}
	switch {
	case soft == "infinity":
		c.put(a, name, `"UNLIMITED"`)
	case name == "rlimit_cpu":
		d, _, ok := timeSpan(soft)
		if !ok {
			c.lost(a, "%q is no stretch of time.", soft)
			return
		}
		c.put(a, name, strconv.Itoa(int(math.Ceil(d.Seconds()))))
	case isNumber(soft):
		c.put(a, name, plain(soft))
	default:
		c.put(a, name, quote(strings.ToUpper(soft)))
	}
}

// limits converts what looks at several lines at once: how often the unit may be started, and by whom.
func (c *unitConverter) limits() {
	c.rate("TriggerLimit", false)
	c.rate("PollLimit", true)
	for _, u := range []*unit{c.socket, c.service} {
		if u != nil {
			c.addresses(u)
		}
	}
}

// rate is BURST in INTERVAL. Beyond TriggerLimit systemd stops the socket for good, beyond PollLimit it looks at it less often.
func (c *unitConverter) rate(prefix string, queue bool) {
	interval, hasInterval := c.socket.last("Socket", prefix+"IntervalSec")
	burst, hasBurst := c.socket.last("Socket", prefix+"Burst")
	if !hasInterval && !hasBurst {
		return
	}
	from, n := burst, map[bool]float64{true: 200, false: 20}[c.accept]
	if queue {
		n = map[bool]float64{true: 150, false: 15}[c.accept]
	}
	if !hasBurst {
		from = interval
	} else if parsed, err := strconv.ParseUint(burst.value, 10, 31); err == nil {
		n = float64(parsed)
	} else {
		c.lost(burst, "%q is no number.", burst.value)
		return
	}
	seconds := 2.0
	if hasInterval {
		d, infinite, ok := timeSpan(interval.value)
		if !ok || infinite {
			c.lost(interval, "%q is no stretch of time.", interval.value)
			return
		}
		seconds = d.Seconds()
	}
	switch {
	case c.b.get("cps") != nil:
		c.lost(from, "superd has one limit of this kind, cps, and it is set already.")
		return
	case n == 0 || seconds == 0:
		c.put(from, "cps", "[0, 10]")
		return
	}
	c.put(from, "cps", fmt.Sprintf("[%d, 10]", int(math.Max(1, math.Ceil(n/seconds)))))
	if queue {
		c.put(from, "on_cps", `"queue"`)
		return
	}
	c.say(from, "Beyond this limit systemd stops the socket until somebody starts it again; superd holds off who exceeds it.")
}

// addresses makes only_from and no_access of IPAddressAllow and IPAddressDeny: what both have is allowed, what neither has too.
func (c *unitConverter) addresses(u *unit) {
	section := map[bool]string{true: "Socket", false: "Service"}[u == c.socket]
	allow, deny := u.list(section, "IPAddressAllow"), u.list(section, "IPAddressDeny")
	if len(allow) == 0 && len(deny) == 0 {
		return
	}
	allowed, _ := c.ranges(allow)
	denied, all := c.ranges(deny)
	switch {
	case len(deny) == 0: // who is allowed was so anyway
		c.b.rows = append(c.b.rows, row{comment: "# " + oneLine(allow[0].text), from: []origin{allow[0].origin}})
	case all:
		from := deny[0]
		if len(allow) > 0 {
			from = allow[0]
		}
		c.vital(from, "only_from", list(allowed))
	default:
		c.vital(deny[0], "no_access", list(denied))
		if len(allow) > 0 {
			c.say(allow[0], "systemd lets IPAddressAllow go before IPAddressDeny. superd's no_access has no exceptions: look over who may come.")
		}
	}
}

// ranges are the words of a list of addresses; all reports whether they are everybody.
func (c *unitConverter) ranges(from []assignment) (words []string, all bool) {
	symbols := map[string][]string{
		"any": {"0.0.0.0/0", "::/0"}, "localhost": {"127.0.0.0/8", "::1/128"},
		"link-local": {"169.254.0.0/16", "fe80::/64"}, "multicast": {"224.0.0.0/4", "ff00::/8"},
	}
	for _, a := range from {
		for w := range strings.FieldsSeq(a.value) {
			all = all || w == "any"
			if known, ok := symbols[w]; ok {
				words = append(words, known...)
				continue
			}
			if !strings.Contains(w, "/") && strings.HasSuffix(w, ".0") {
				w += "/32" // to superd zeros at the end match anything
			}
			if why := c.judge.Objection("only_from", list([]string{w}), config.InService); why != "" {
				c.lost(a, "%q: %s", w, why)
				continue
			}
			words = append(words, w)
		}
	}
	return words, all
}
