package event

import (
	"errors"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"superd/superd/config"
)

var update = flag.Bool("update", false, "write testdata/events.golden anew")

const allFlags = config.LogPID | config.LogHost | config.LogExit | config.LogDuration | config.LogAttempt | config.LogTraffic | config.LogUserID

type sample struct {
	constructor string
	event       Event
}

// samples has each constructor at least once, and each of their keys.
func samples() []sample {
	s := sampleStart()
	exited := Exit{
		Start: s, Code: 3, Duration: 12*time.Second + 345*time.Millisecond + 999*time.Microsecond,
		User: 7 * time.Millisecond, System: time.Second, MaxRSS: 1 << 20, Traffic: &Traffic{In: 512, Out: 1 << 40},
	}
	userid := UserID{s.Service, 17, "UNIX :alice"}
	killed := Exit{Start: s, Signal: 9, Duration: time.Hour}
	refused := Refuse{
		Service: s.Service, ConnID: 18, Peer: netip.MustParseAddrPort("[2001:db8::7]:1024"), Local: s.Local,
		Verdict: "address", Detail: "no_access 2001:db8::/32",
	}
	labeled := s
	labeled.Context = "system_u:system_r:ftpd_t:s0:c1"
	builtin := Start{Service: "echo-stream", ConnID: 19}
	builtinExit := Exit{Start: builtin, Duration: time.Millisecond}
	failure := errors.New("bind tcp 0.0.0.0:21: address already in use")
	return []sample{
		{"Start", s.event(allFlags)},
		{"Start", labeled.event(allFlags)},
		{"Start", builtin.event(allFlags)},
		{"Exit", exited.event(allFlags)},
		{"Exit", killed.event(allFlags)},
		{"Exit", builtinExit.event(allFlags)},
		{"Refuse", refused.event(allFlags)},
		{"UserID", userid.event(allFlags)},
		{"Ready", Ready(10, 12)},
		{"Reload", Reload(1, 7, 2, 3)},
		{"ReloadFailed", ReloadFailed(failure)},
		{"Plan", Plan("open ssh; retune ftp (instances, cps); keep 12")},
		{"ConfigError", ConfigError("conf.d/ftp.hcl:5,3-9", "Unknown attribute",
			"  5 |   servre = \"/usr/sbin/vsftpd\"\n    |   ^^^^^^\n\nDid you mean \"server\"?\n")},
		{"ConfigWarning", ConfigWarning("conf.d/ftp.hcl:5,3-9", "Program is not there", "\tone\x1b[2Jline")},
		{"BindFailed", BindFailed("ftp", "tcp 0.0.0.0:21", failure, 2*time.Second)},
		{"Bound", Bound("ftp", "tcp 0.0.0.0:21")},
		{"Registered", Registered("rusersd", "100002 versions 2-3 udp 0.0.0.0:832")},
		{"RegisterFailed", RegisterFailed("rusersd", "100002 version 3 tcp6 [::]:832", failure, 2*time.Second)},
		{"Withdrawn", Withdrawn("rusersd", "100002 versions 2-3 udp 0.0.0.0:832")},
		{"Pause", Pause("ftp", "cps", 10*time.Second)},
		{"Resume", Resume("ftp")},
		{"Ban", Ban("trap", "192.0.2.7/32", time.Hour, 1)},
		{"Unban", Unban("all", 3)},
		{"Backoff", Backoff("tftp", "the program left its input", 1500*time.Millisecond)},
		{"Exhausted", Exhausted("ftp", errors.New("accept: too many open files"))},
		{"Recovered", Recovered("ftp")},
		{"Control", Control("kick 17", "ftp", 1000, 4711)},
		{"Dumped", Dumped("/run/superd/dump.json", failure)},
		{"Stopping", Stopping("SIGTERM", 4)},
		{"Stopped", Stopped()},
		{"Warn", Warn("", "no user database")},
		{"Warn", Warn("ftp", "no user database")},
		{"lostEvent", lostEvent(4711)},
		{"logFailedEvent", logFailedEvent("FILE /var/log/ftp", errors.New("no space left on device"))},
		{"logRecoveredEvent", logRecoveredEvent("FILE /var/log/ftp", 4711)},
		{"logLargeEvent", logLargeEvent("FILE /var/log/ftp", 2000, 1000)},
	}
}

func sampleStart() Start {
	return Start{
		Service: "echo-stream", ConnID: 17, Pid: 4242,
		Peer:  netip.MustParseAddrPort("192.0.2.7:51234"),
		Local: netip.MustParseAddrPort("[::ffff:192.0.2.1]:7"),
	}
}

var sampleTime = time.Date(2026, 11, 22, 12, 31, 42, 123456789, time.UTC)

// An event that is not in the table, or has keys that are not there, cannot be written.
func TestEveryConstructorIsDocumented(t *testing.T) {
	inSource := constructors(t)
	var sampled []string
	used := map[kind]map[key]bool{}
	for _, s := range samples() {
		sampled = append(sampled, s.constructor)
		e := &s.event
		if e.kind == kindNone || int(e.kind) >= len(kinds) {
			t.Errorf("%s: not in the table", s.constructor)
			continue
		}
		if used[e.kind] == nil {
			used[e.kind] = map[key]bool{}
		}
		last := -1
		for _, f := range e.fields[:e.count] {
			used[e.kind][f.key] = true
			at := slices.Index(kinds[e.kind].keys, f.key)
			if at <= last {
				t.Errorf("%s: key %s is not documented, or not in this order", kinds[e.kind].name, keys[f.key].Name)
			}
			last = at
		}
		if e.text != "" {
			used[e.kind][keyText] = true
		}
	}
	slices.Sort(sampled)
	if sampled = slices.Compact(sampled); !slices.Equal(sampled, inSource) {
		t.Errorf("samples are of\n%v\nthe package has\n%v", sampled, inSource)
	}
	for k := kindNone + 1; int(k) < len(kinds); k++ {
		if len(used[k]) != len(kinds[k].keys) || used[k] == nil {
			t.Errorf("%s: documents keys %v, writes %v", kinds[k].name, kinds[k].keys, used[k])
		}
	}
}

// constructors are the functions that make an Event, by the source: those with an Event as result that are not given
// its kind. The methods of Start, Exit and Refuse go by their receiver.
func constructors(t *testing.T) (names []string) {
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Type.Results == nil || !isNamed(fn.Type.Results.List[0].Type, "Event") {
				continue
			}
			params := fn.Type.Params.List
			if len(params) > 0 && isNamed(params[0].Type, "kind") {
				continue
			}
			name := fn.Name.Name
			if fn.Recv != nil {
				name = fn.Recv.List[0].Type.(*ast.StarExpr).X.(*ast.Ident).Name
			}
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func isNamed(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}

func TestTable(t *testing.T) {
	snake, upper := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`), regexp.MustCompile(`^[A-Z]+(-[A-Z]+)*$`)
	seen := map[string]bool{}
	for _, k := range Keys() {
		if !snake.MatchString(k.Name) || k.Doc == "" || seen[k.Name] {
			t.Errorf("key %+v: name, documentation or uniqueness", k)
		}
		seen[k.Name] = true
	}
	for _, d := range Table() {
		if !upper.MatchString(d.Name) || d.Doc == "" || seen[d.Name] || len(d.Keys) > fieldsMax+1 {
			t.Errorf("event %+v: name, documentation, uniqueness or number of keys", d)
		}
		seen[d.Name] = true
		for _, k := range d.Keys {
			delete(seen, k.Name)
		}
	}
	for name := range seen {
		if snake.MatchString(name) {
			t.Errorf("key %s belongs to no event", name)
		}
	}
}

func TestGolden(t *testing.T) {
	var b []byte
	text := format{pid: 99, head: headStamp}
	json := format{pid: 99, layout: layoutJSON}
	for _, s := range samples() {
		b = text.append(b, &s.event, sampleTime)
		b = json.append(b, &s.event, sampleTime)
	}
	const file = "testdata/events.golden"
	if *update {
		if err := os.WriteFile(file, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got, wanted := strings.Split(string(b), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(got), len(wanted)) {
		if i >= len(got) || i >= len(wanted) || got[i] != wanted[i] {
			t.Fatalf("line %d differs:\n got %q\nwant %q", i+1, at(got, i), at(wanted, i))
		}
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(nothing)"
}

func TestFlags(t *testing.T) {
	start := sampleStart()
	start.Local = netip.AddrPort{}
	exited := Exit{Start: start, Code: 3, Duration: time.Second, MaxRSS: 4096, Traffic: &Traffic{5, 17}}
	unknown := Exit{Start: start}
	refused := Refuse{Service: "ftp", ConnID: 1, Peer: start.Peer, Verdict: "time"}
	f := format{}
	for _, c := range []struct {
		what  string
		event Event
		want  string
	}{
		{"start, none", start.event(0), ""},
		{"start, PID", start.event(config.LogPID), "START service=echo-stream conn=17 pid=4242"},
		{"start, HOST", start.event(config.LogHost), "START service=echo-stream conn=17 from=192.0.2.7 port=51234"},
		{"start, EXIT", start.event(config.LogExit), "START service=echo-stream conn=17"},
		{"exit, none", exited.event(0), ""},
		{"exit, PID HOST", exited.event(config.LogPID | config.LogHost), ""},
		{"exit, EXIT", exited.event(config.LogExit), "EXIT service=echo-stream conn=17 status=3 verdict=ok max_rss=4096"},
		{"exit, DURATION", exited.event(config.LogDuration),
			"EXIT service=echo-stream conn=17 verdict=ok duration=1.000 user=0.000 system=0.000"},
		{"exit, EXIT PID HOST", exited.event(config.LogExit | config.LogPID | config.LogHost),
			"EXIT service=echo-stream conn=17 pid=4242 status=3 from=192.0.2.7 port=51234 verdict=ok max_rss=4096"},
		{"exit, TRAFFIC", exited.event(config.LogTraffic), "EXIT service=echo-stream conn=17 verdict=ok in=5 out=17"},
		{"exit, TRAFFIC that is not known", unknown.event(config.LogTraffic), "EXIT service=echo-stream conn=17 verdict=ok"},
		{"refuse, none", refused.event(0), ""},
		{"refuse, ATTEMPT", refused.event(config.LogAttempt), "REFUSE service=ftp conn=1 verdict=time"},
		{"refuse, USERID", refused.event(config.LogUserID), "REFUSE service=ftp conn=1 verdict=time"},
		{"refuse, HOST", refused.event(config.LogHost), "REFUSE service=ftp conn=1 verdict=time from=192.0.2.7 port=51234"},
	} {
		got := ""
		if c.event.kind != kindNone {
			got = strings.TrimSuffix(string(f.append(nil, &c.event, sampleTime)), "\n")
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.what, got, c.want)
		}
	}
}
