package config

import (
	"fmt"
	"os/user"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Setting is an attribute that a service goes by, its value as a person reads it: mostly as HCL would have it.
type Setting struct{ Attribute, Value string }

// Settings are all that s goes by, in the order of aspects. What says nothing (no banner, no chroot, nice 0) is left out.
// Values of environment variables are never shown: they may be secret.
func (s *Service) Settings() []Setting {
	var all []Setting
	for _, a := range aspects {
		v := a.of(s)
		if !reflect.ValueOf(v).IsValid() || a.attribute == "id" || a.attribute == "name" {
			continue
		}
		if text := s.show(a.attribute, v); text != "" {
			all = append(all, Setting{a.attribute, text})
		}
	}
	return all
}

// Value is the value of one attribute as Settings has it.
func (s *Service) Value(attribute string) string {
	for _, a := range aspects {
		if a.attribute == attribute {
			return s.show(attribute, a.of(s))
		}
	}
	return ""
}

// show is "" for nothing to say.
func (s *Service) show(attribute string, v any) string {
	switch attribute {
	case "type":
		if s.Builtin != "" {
			return `"INTERNAL"`
		}
		return ""
	case "flags":
		return quoteAll(s.flagWords())
	case "bind":
		return quoteAll(s.places())
	case "user":
		return accountName(v, func(id string) (string, error) { u, err := user.LookupId(id); return nameOf(u, err) })
	case "group":
		return accountName(v, func(id string) (string, error) { g, err := user.LookupGroupId(id); return groupOf(g, err) })
	case "env":
		return variables(s.Program.Env, nil)
	case "server_args":
		return quoteAll(s.argsAsWritten())
	case "umask":
		if s.Program.Path == "" {
			return ""
		}
		return strconv.Quote(fmt.Sprintf("%03o", s.Program.Umask))
	case "only_from":
		if !s.Access.Restricted {
			return ""
		}
		return "[" + strings.Join(ruleWords(s.Access.OnlyFrom), ", ") + "]"
	case "no_access":
		if len(s.Access.NoAccess) == 0 {
			return ""
		}
		return "[" + strings.Join(ruleWords(s.Access.NoAccess), ", ") + "]"
	case "instances", "per_source":
		if v == Unlimited {
			return strconv.Quote(unlimitedWord)
		}
		return fmt.Sprint(v)
	}
	return showValue(v)
}

func showValue(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		if v == "" {
			return ""
		}
		return strconv.Quote(v)
	case bool:
		return strconv.FormatBool(v)
	case int, uint64:
		if v == 0 {
			return ""
		}
		if v == Infinity {
			return strconv.Quote(unlimitedWord)
		}
		return fmt.Sprint(v)
	case float64:
		if v == 0 {
			return ""
		}
		return strconv.FormatFloat(v, 'g', -1, 64)
	case time.Duration:
		if v == 0 {
			return ""
		}
		return strconv.Quote(shortDuration(v))
	case []byte:
		if v == nil {
			return ""
		}
		return fmt.Sprintf("a file of %d bytes", len(v))
	case []string:
		return quoteAll(v)
	case []uint16:
		return ports(v)
	case []bool:
		if len(v) == 1 {
			return strconv.FormatBool(v[0])
		}
		return fmt.Sprint(v)
	case [2]int:
		return fmt.Sprintf("[%d, %d]", v[0], v[1])
	case Redirect:
		return fmt.Sprintf("[%q, %d]", v.Host, v.Port)
	case CPS:
		return fmt.Sprintf("[%d, %q]", v.Rate, shortDuration(v.Hold))
	case []Window:
		words := make([]string, len(v))
		for i, w := range v {
			words[i] = w.String()
		}
		return quoteAll(words)
	case LogTarget:
		return strconv.Quote(v.String())
	case LogFlags:
		return "[" + strings.Join(flagNames(v), ", ") + "]"
	case []uint32:
		if len(v) == 0 {
			return ""
		}
		return fmt.Sprint(v)
	case fmt.Stringer:
		return strconv.Quote(v.String())
	}
	return fmt.Sprint(v)
}

func quoteAll(words []string) string {
	if len(words) == 0 {
		return ""
	}
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = strconv.Quote(w)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// variables are the names of those that without has not, or has with another value.
func variables(env, without []string) string {
	var names []string
	for _, e := range env {
		if !slices.Contains(without, e) {
			name, _, _ := strings.Cut(e, "=")
			names = append(names, name+"=…")
		}
	}
	return quoteAll(names)
}

func (s *Service) flagWords() (words []string) {
	for _, f := range []struct {
		on   bool
		word string
	}{{s.Socket.Reuse, "REUSE"}, {s.Socket.NoDelay, "NODELAY"}, {s.Socket.KeepAlive, "KEEPALIVE"}, {s.NoRetry, "NORETRY"}, {s.IDOnly, "IDONLY"}, {s.Socket.Peers != nil, "INTERCEPT"}, {s.Labeled, "LABELED"}} {
		if f.on {
			words = append(words, f.word)
		}
	}
	return words
}

// places are the addresses and devices of the endpoints.
func (s *Service) places() []string {
	return distinct(s.Endpoints, func(e Endpoint) string {
		if e.Device != "" {
			return e.Addr.Addr().String() + "%" + e.Device
		}
		return e.Addr.Addr().String()
	})
}

// argsAsWritten leaves the program's own name out, unless it is another than its file's.
func (s *Service) argsAsWritten() []string {
	if args := s.Program.Args; len(args) > 0 && args[0] == filepath.Base(s.Program.Path) {
		return args[1:]
	}
	return s.Program.Args
}

func accountName(v any, lookUp func(id string) (string, error)) string {
	if v == nil {
		return ""
	}
	id := fmt.Sprint(v)
	if name, err := lookUp(id); err == nil {
		return strconv.Quote(name)
	}
	return id
}

func nameOf(u *user.User, err error) (string, error) {
	if err != nil {
		return "", err
	}
	return u.Username, nil
}

func groupOf(g *user.Group, err error) (string, error) {
	if err != nil {
		return "", err
	}
	return g.Name, nil
}

// ports is "7000", or "7000-7009" for a run.
func ports(all []uint16) string {
	switch n := len(all); {
	case n == 0:
		return ""
	case n == 1:
		return fmt.Sprint(all[0])
	default:
		return fmt.Sprintf(`"%d-%d"`, slices.Min(all), slices.Max(all))
	}
}

const wordLimit = 20

// ruleWords are the words of a list, the first of them when there are many.
func ruleWords(rules []Rule) []string {
	var words []string
	last := ""
	for _, r := range rules {
		if r.Word == last {
			continue // {a,b} makes several rules of one word
		}
		if len(words) == wordLimit {
			return append(words, fmt.Sprintf("… %d rules in all", len(rules)))
		}
		last = r.Word
		words = append(words, strconv.Quote(r.Word))
	}
	return words
}

var flagWord = []string{"PID", "HOST", "USERID", "EXIT", "DURATION", "ATTEMPT", "TRAFFIC"}

func flagNames(f LogFlags) (names []string) {
	for i, name := range flagWord {
		if f&(1<<i) != 0 {
			names = append(names, strconv.Quote(name))
		}
	}
	return names
}

// shortDuration is Duration's String without units that are zero: "1h", "1h30m", "10s".
func shortDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = text[:len(text)-2]
	}
	if strings.HasSuffix(text, "h0m") {
		text = text[:len(text)-2]
	}
	return text
}

// String is the window as access_times has it.
func (w Window) String() string {
	text := fmt.Sprintf("%02d:%02d-%02d:%02d", w.From/60, w.From%60, w.To/60, w.To%60)
	if w.Days == everyDay {
		return text
	}
	var days []string
	for i := range weekdays {
		if day := (i + 1) % 7; w.Days&(1<<day) != 0 { // Monday first
			days = append(days, weekdays[day][:3])
		}
	}
	return strings.Join(days, ",") + " " + text
}

// String is the target as log_type has it.
func (t LogTarget) String() string {
	switch t.Kind {
	case Syslog:
		return strings.TrimSpace("SYSLOG " + t.Facility + " " + t.Level)
	case Journal:
		return strings.TrimSpace("JOURNAL " + t.Level)
	case File:
		text := "FILE " + t.Path
		if t.Soft > 0 || t.Hard > 0 {
			text += fmt.Sprintf(" %d %d", t.Soft, t.Hard)
		}
		return text
	}
	return "STDERR"
}

// Delta is an attribute in which two services differ.
type Delta struct{ Attribute, Old, New string }

// Deltas are the attributes in which two services differ, with their values as Settings has them.
func Deltas(from, to *Service) []Delta {
	var all []Delta
	for _, name := range Changes(from, to) {
		d := Delta{name, from.Value(name), to.Value(name)}
		switch name {
		case "name":
			d.Old, d.New = strconv.Quote(from.Name), strconv.Quote(to.Name)
		case "env":
			d.Old, d.New = variables(from.Program.Env, to.Program.Env), variables(to.Program.Env, from.Program.Env)
		}
		if d.Old == d.New { // what differs is not shown: a variable's value, a banner's text, a rule after the first
			d.New += " (changed)"
		}
		all = append(all, d)
	}
	return all
}

// DaemonDeltas is Deltas for the superd block.
func DaemonDeltas(from, to Daemon) []Delta {
	var all []Delta
	for _, a := range daemonAspects {
		if old, now := a.of(from), a.of(to); old != now {
			all = append(all, Delta{a.attribute, showValue(old), showValue(now)})
		}
	}
	return all
}

// daemonAspects are the parts of a Daemon. Together they are all of it.
var daemonAspects = []struct {
	attribute string
	of        func(Daemon) any
}{
	{"watch", func(d Daemon) any { return d.Watch }},
	{"state", func(d Daemon) any { return d.State }},
	{"hosts_access", func(d Daemon) any { return d.HostsAccess }},
	{"drain", func(d Daemon) any { return d.Drain }},
	{"control", func(d Daemon) any { return d.Control.Path }},
	{"control_mode", func(d Daemon) any { return fmt.Sprintf("%04o", d.Control.Mode) }},
	{"control_group", func(d Daemon) any { return d.Control.Gid }},
	{"grace", func(d Daemon) any { return d.Grace }},
	{"log_type", func(d Daemon) any { return d.Log.Target.String() }},
	{"log_format", func(d Daemon) any { return d.Log.Target.Format }},
	{"log_redact", func(d Daemon) any { return d.Log.Target.Redact }},
}
