package libwrap

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ActionKind is an option that does something to the connection, or to whatever serves it.
type ActionKind uint8

const (
	Spawn     ActionKind = iota // run Text with /bin/sh -c, its standard descriptors on /dev/null, and wait for it
	Setenv                      // Name=Text in the server's environment
	Umask                       // N
	Nice                        // N is added
	User                        // become the user Name and, if Text is not empty, the group Text
	Group                       // become the group Name
	KeepAlive                   // SO_KEEPALIVE
	Linger                      // SO_LINGER with N seconds; 0: off
	Banners                     // send the file that Text names
	Severity                    // log with Name as syslog's facility ("" as usual) and Text as its level
)

// Action is one thing that an option wants done.
type Action struct {
	Kind       ActionKind
	Name, Text string
	N          int
}

// option is a field of a rule after the clients.
type option struct {
	key   string // in lower case
	value string
	n     int    // of a number
	wrong string // what is wrong with it: it denies, with this reason
}

// optionRules says of each option whether it takes a value, and whether nothing may follow it.
var optionRules = map[string]struct{ needs, may, expands, last bool }{
	"user":      {needs: true},
	"group":     {needs: true},
	"umask":     {needs: true},
	"linger":    {needs: true},
	"keepalive": {},
	"aclexec":   {needs: true, expands: true},
	"spawn":     {needs: true, expands: true},
	"twist":     {needs: true, expands: true, last: true},
	"rfc931":    {may: true},
	"setenv":    {needs: true, expands: true},
	"nice":      {may: true},
	"severity":  {needs: true},
	"allow":     {last: true},
	"deny":      {last: true},
	"banners":   {needs: true},
}

// parseOptions cuts the rest of a rule into options. text ends in a newline, so that a colon at the end is an empty option,
// which denies.
func parseOptions(text string, note func(string, ...any)) []option {
	fields := optionFields(text)
	options := make([]option, 0, len(fields))
	for i, f := range fields {
		o := newOption(strings.Trim(f, cSpace), i+1 < len(fields))
		if o.wrong != "" {
			note("%s: the rule denies", o.wrong)
		}
		options = append(options, o)
		if o.wrong != "" {
			break
		}
	}
	return options
}

// cSpace is isspace(3).
const cSpace = " \t\n\v\f\r"

// optionFields splits at colons; \: is one.
func optionFields(text string) []string {
	var fields []string
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == ':':
			fields = append(fields, b.String())
			b.Reset()
		case text[i] == '\\' && i+1 < len(text) && text[i+1] == ':':
			b.WriteByte(':')
			i++
		default:
			b.WriteByte(text[i])
		}
	}
	if b.Len() > 0 {
		fields = append(fields, b.String())
	}
	return fields
}

func newOption(f string, followed bool) option {
	end := strings.IndexAny(f, "="+blanks)
	if end < 0 {
		end = len(f)
	}
	key, value := f[:end], f[end:]
	if value != "" && value[0] != '=' {
		value = strings.TrimLeft(value, blanks)
	}
	if v, ok := strings.CutPrefix(value, "="); ok {
		value = strings.TrimLeft(v, blanks)
	}
	o := option{key: strings.ToLower(key), value: value}
	rule, known := optionRules[o.key]
	switch {
	case key == "":
		o.wrong = "there is an option without a name"
	case !known:
		o.wrong = fmt.Sprintf("there is no option %q", key)
	case value == "" && rule.needs:
		o.wrong = fmt.Sprintf("the option %q needs a value", key)
	case value != "" && !rule.needs && !rule.may:
		o.wrong = fmt.Sprintf("the option %q takes no value", key)
	case followed && rule.last:
		o.wrong = fmt.Sprintf("the option %q must come last", key)
	default:
		o.wrong = o.check()
	}
	return o
}

// check reads values that are no text.
func (o *option) check() string {
	bad := fmt.Sprintf("%q is no value of the option %q", o.value, o.key)
	var err error
	switch o.key {
	case "umask":
		var mask uint64
		if mask, err = strconv.ParseUint(o.value, 8, 32); err != nil || mask > 0o777 {
			return bad
		}
		o.n = int(mask)
	case "linger":
		if o.n, err = strconv.Atoi(o.value); err != nil || o.n < 0 {
			return bad
		}
	case "nice":
		o.n = 10
		if o.value == "" {
			return ""
		}
		if o.n, err = strconv.Atoi(o.value); err != nil {
			return bad
		}
	case "rfc931":
		if o.value == "" {
			return ""
		}
		if o.n, err = strconv.Atoi(o.value); err != nil || o.n <= 0 {
			return bad
		}
	case "severity":
		if facility, level := o.severity(); !oneOf(level, levels) || facility != "" && !oneOf(facility, facilities) {
			return bad
		}
	}
	return ""
}

const (
	levels     = "emerg alert crit err warning notice info debug"
	facilities = "kern user mail daemon auth lpr news uucp cron local0 local1 local2 local3 local4 local5 local6 local7"
)

func oneOf(w, words string) bool {
	for one := range strings.FieldsSeq(words) {
		if one == w {
			return true
		}
	}
	return false
}

// severity is [FACILITY.]LEVEL, in lower case.
func (o *option) severity() (facility, level string) {
	facility, level, found := strings.Cut(strings.ToLower(o.value), ".")
	if !found {
		return "", facility
	}
	return facility, level
}

// process does what the options of the rule that matched say, and reports whether they have decided. It may get stuck.
func (e *evaluation) process(options []option) (final bool) {
	for i := range options {
		o := &options[i]
		value, wrong := o.value, o.wrong
		if wrong == "" && optionRules[o.key].expands {
			var ok bool
			if value, ok = e.expand(value, expandMax); !ok {
				wrong = fmt.Sprintf("the option %q is too long when expanded", o.key)
			}
			value = strings.Trim(value, cSpace)
		}
		switch {
		case e.stuck():
			return false
		case wrong != "":
			e.out.Verdict, e.out.Why = Deny, wrong
			return true
		case e.option(o, value):
			return true
		}
	}
	return false
}

// option does one, and reports whether it has decided.
func (e *evaluation) option(o *option, value string) (final bool) {
	act := func(a Action) { e.out.Actions = append(e.out.Actions, a) }
	switch o.key {
	case "allow":
		e.out.Verdict, final = Grant, true
	case "deny":
		e.out.Verdict, final = Deny, true
	case "twist":
		e.out.Verdict, e.out.Command, final = Twist, value, true
	case "spawn":
		act(Action{Kind: Spawn, Text: value})
	case "aclexec":
		ok, done := e.request.Ran[value]
		if !done {
			e.need.Command = value
		}
		e.refused = !ok
	case "setenv":
		name, text := value, ""
		if i := strings.IndexAny(value, blanks); i >= 0 {
			name, text = value[:i], strings.Trim(value[i:], cSpace)
		}
		act(Action{Kind: Setenv, Name: name, Text: text})
	case "rfc931":
		if e.user() == "" {
			e.need.Timeout = time.Duration(o.n) * time.Second
		}
	case "severity":
		facility, level := o.severity()
		act(Action{Kind: Severity, Name: facility, Text: level})
	case "user":
		name, group, _ := cut(value, '.')
		act(Action{Kind: User, Name: name, Text: group})
	case "group":
		act(Action{Kind: Group, Name: value})
	case "umask":
		act(Action{Kind: Umask, N: o.n})
	case "nice":
		act(Action{Kind: Nice, N: o.n})
	case "keepalive":
		act(Action{Kind: KeepAlive})
	case "linger":
		act(Action{Kind: Linger, N: o.n})
	case "banners":
		act(Action{Kind: Banners, Text: value + "/" + e.request.Daemon})
	}
	return final
}
