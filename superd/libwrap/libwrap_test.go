package libwrap

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// tables parses two texts.
func tables(allow, deny string) *Tables {
	nobody := func(string) *hostSet { return &hostSet{} }
	a, _ := parse("hosts.allow", []byte(allow), nobody)
	d, _ := parse("hosts.deny", []byte(deny), nobody)
	return &Tables{Allow: a, Deny: d}
}

func addr(s string) Host { return Host{Addr: netip.MustParseAddrPort(s)} }

func TestNothingIsLookedUpInVain(t *testing.T) {
	for _, test := range []struct {
		allow string
		want  Need
	}{
		{"sshd: 10.0.0.1\n", Need{}},
		{"other: LOCAL\n", Need{}},
		{"sshd: LOCAL\n", Need{ClientName: true}},
		{"sshd: .example.org\n", Need{ClientName: true}},
		{"sshd: 192.0.2. 198.51.100.0/24 [2001:db8::]/32\n", Need{}},
		{"sshd: root@192.0.2.9\n", Need{}},
		{"sshd: root@10.0.0.1\n", Need{User: true}},
		{"sshd: 10.0.0.1 EXCEPT .example.org\n", Need{ClientName: true}},
		{"sshd@gate: ALL\n", Need{ServerName: true}},
		{"sshd: ALL: spawn echo %a %h %c\n", Need{}},
		{"sshd: ALL: spawn echo %n\n", Need{ClientName: true}},
		{"sshd: ALL: spawn echo %u\n", Need{User: true}},
		{"sshd: ALL: rfc931 7\n", Need{User: true, Timeout: 7 * time.Second}},
		{"sshd: ALL: aclexec check %a\n", Need{Command: "check 10.0.0.1"}},
	} {
		r := &Request{Daemon: "sshd", Client: addr("10.0.0.1:4000"), Server: addr("10.0.0.9:22")}
		if _, need := tables(test.allow, "").Decide(r); need != test.want {
			t.Errorf("%q needs %+v, want %+v", test.allow, need, test.want)
		}
	}
}

func TestAclexec(t *testing.T) {
	rules := tables("sshd: ALL: aclexec check %a: spawn note\n", "sshd: ALL: aclexec also\nALL: ALL\n")
	for _, test := range []struct {
		check, also bool
		want        Verdict
		rule        string
	}{
		{true, false, Grant, "hosts.allow:1"},
		{false, true, Deny, "hosts.deny:1"},
		{false, false, Grant, ""}, // libwrap looks no further once a command of hosts.deny has failed
	} {
		r := &Request{Daemon: "sshd", Client: addr("10.0.0.1:4000"), Ran: map[string]bool{"check 10.0.0.1": test.check, "also": test.also}}
		o, need := rules.Decide(r)
		if o.Verdict != test.want || o.Rule != test.rule || need != (Need{}) {
			t.Errorf("%+v: %+v %+v", test, o, need)
		}
	}
}

func TestExpansion(t *testing.T) {
	r := &Request{
		Daemon: "in.ftpd", Pid: 42, User: "o'neil;$(reboot)\n",
		Client: Host{netip.MustParseAddrPort("[::ffff:192.0.2.1]:4000"), "ev`il.example.org"},
		Server: addr("[2001:db8::1]:21"),
	}
	e := evaluation{request: r}
	for text, want := range map[string]string{
		"%a %A %r %R %d %p %%":     "192.0.2.1 2001:db8::1 4000 21 in.ftpd 42 %",
		"%u":                       "o_neil___reboot__",
		"%c %h %n":                 "o_neil___reboot__@ev_il.example.org ev_il.example.org ev_il.example.org",
		"%s %H":                    "in.ftpd@2001:db8::1 2001:db8::1",
		"$(date) `a` | \\%a %x 5%": "$(date) `a` | \\192.0.2.1  5%",
	} {
		if got, ok := e.expand(text, expandMax); got != want || !ok {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if _, ok := e.expand(strings.Repeat("%a", 1000), expandMax); ok {
		t.Error("what is too long is expanded")
	}
	text, need := Banner("Hello %h\nfrom %d\n", r)
	if text != "Hello ev_il.example.org\r\nfrom in.ftpd\r\n" || need != (Need{}) {
		t.Errorf("%q %+v", text, need)
	}
}

func TestActions(t *testing.T) {
	rules := tables("ALL: ALL: severity auth.warning: user bob.staff: group x: umask 027: nice: keepalive: linger 3: "+
		"banners /b: setenv A  b %d c : spawn (echo a\\:b) &: twist exec %d\n", "")
	o, _ := rules.Decide(&Request{Daemon: "d", User: Unknown})
	want := []Action{
		{Kind: Severity, Name: "auth", Text: "warning"}, {Kind: User, Name: "bob", Text: "staff"}, {Kind: Group, Name: "x"},
		{Kind: Umask, N: 0o27}, {Kind: Nice, N: 10}, {Kind: KeepAlive}, {Kind: Linger, N: 3}, {Kind: Banners, Text: "/b/d"},
		{Kind: Setenv, Name: "A", Text: "b d c"}, {Kind: Spawn, Text: "(echo a:b) &"},
	}
	if !reflect.DeepEqual(o.Actions, want) || o.Verdict != Twist || o.Command != "exec d" {
		t.Errorf("%+v", o)
	}
}

func TestMistakesAreSaid(t *testing.T) {
	nobody := func(string) *hostSet { return &hostSet{} }
	for text, want := range map[string]string{
		"a b\n":                   `f:1: there is no ":"`,
		"\n\na: \\\n ALL: x\n":    `f:3: there is no option "x"`,
		"a: @net\n":               "netgroups are not supported",
		"a: 10.0.0.1/8\n":         "bits that the mask leaves out",
		"a: 10.0.0.0/x\n":         "neither a netmask nor a length",
		"a: 10.0/8\n":             "not of the form",
		"a: [fd00::]/200\n":       "prefix is not from 0 to 128",
		"a: [10.0.0.1]\n":         "no IPv6 address in the brackets",
		"a: ALL:\n":               "an option without a name",
		"a: ALL: umask 8\n":       `"8" is no value`,
		"a: ALL: allow: deny\n":   "must come last",
		"ALL: ALL":                "no newline",
		"a\x00: ALL\n":            "no text",
		strings.Repeat("a", 3000): "longer than 2047",
	} {
		_, problems := parse("f", []byte(text), nobody)
		if len(problems) == 0 || !strings.Contains(problems[0].At+": "+problems[0].Text, want) {
			t.Errorf("%.20q: %v, want %q", text, problems, want)
		}
	}
	if _, problems := parse("f", []byte("# a\n\nsshd: ALL EXCEPT LOCAL: spawn echo %a: deny\n"), nobody); problems != nil {
		t.Errorf("%v", problems)
	}
}

func TestFilesFollowTheDisk(t *testing.T) {
	t.Run("looking", func(t *testing.T) { testFiles(t, false) })
	t.Run("watching", func(t *testing.T) { testFiles(t, true) })
}

func testFiles(t *testing.T, watch bool) {
	dir := t.TempDir()
	var said []Problem
	f := NewFiles(dir, func(p []Problem) { said = append(said, p...) })
	if watch {
		f.Watch()
	}
	r := &Request{Daemon: "d", Client: addr("10.0.0.1:1")}
	now := time.Now()
	verdict := func() Verdict {
		rules := f.Tables(now)
		if rules == nil {
			return Grant
		}
		o, _ := rules.Decide(r)
		return o.Verdict
	}
	expect := func(want Verdict, what string) {
		t.Helper()
		if got := verdict(); got != want {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	expect(Grant, "no files")
	put("hosts.deny", "# nothing\n")
	expect(Grant, "an empty file")
	if f.Tables(now) != nil {
		t.Error("tables without rules are there")
	}
	put("hosts.deny", "d: 10.0.0.1\n")
	expect(Deny, "a rule")
	put("hosts.deny", "d: 10.0.0.2\n")
	expect(Grant, "a rule of the same length, at once")
	list := filepath.Join(dir, "list")
	put("hosts.deny", "d: "+list+"\n")
	expect(Grant, "a list that is not there")
	put("list", "10.0.0.1\n")
	expect(Deny, "the list is there")
	put("list", list+" "+list+"\n")
	expect(Grant, "a list that names itself")
	if len(said) == 0 || !strings.Contains(said[len(said)-1].Text, "named in a file that is named") {
		t.Errorf("said %v", said)
	}
	if err := os.Remove(filepath.Join(dir, "hosts.deny")); err != nil {
		t.Fatal(err)
	}
	expect(Grant, "the file is gone")
	if err := os.Mkdir(filepath.Join(dir, "hosts.deny"), 0o755); err != nil {
		t.Fatal(err)
	}
	expect(Deny, "a folder in its place")
}

// What the kernel does not tell of, as that a folder is another one now, is seen a little later; files of which nothing is told at
// all, at once.
func TestUnseenChanges(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "etc")
	for name, text := range map[string]string{"a": "", "b": "ALL: ALL\n"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name, "hosts.deny"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	point := func(to string) {
		t.Helper()
		_ = os.Remove(link)
		if err := os.Symlink(to, link); err != nil {
			t.Fatal(err)
		}
	}
	point("a")
	watching, looking := NewFiles(link, nil), NewFiles(link, nil)
	watching.Watch()
	now := time.Now()
	for f, name := range map[*Files]string{watching: "watching", looking: "looking"} {
		if f.Tables(now) != nil {
			t.Errorf("%s: rules in an empty file", name)
		}
	}
	point("b")
	if watching.Tables(now.Add(lookAgain-1)) != nil {
		t.Error("the files were looked at, and nothing was told of them")
	}
	if watching.Tables(now.Add(lookAgain)) == nil || looking.Tables(now) == nil {
		t.Error("a change is not seen")
	}
}

// No more is watched than the files that are there now and their folders, however often they become others.
func TestWatchesAreFew(t *testing.T) {
	dir := t.TempDir()
	f := NewFiles(dir, nil)
	f.Watch()
	for i := range 20 {
		list := filepath.Join(t.TempDir(), "list")
		rename(t, filepath.Join(dir, "hosts.deny"), fmt.Sprintf("d: %s%d\n", list, i))
		f.Tables(time.Now())
	}
	info, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", f.changes.queue))
	if n := strings.Count(string(info), "inotify wd:"); n != len(f.changes.watched) || n != 3 || err != nil { // two folders, one file
		t.Errorf("%d watches, of which %d are known, %v:\n%s", n, len(f.changes.watched), err, info)
	}
}

func rename(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// A user has few queues of inotify(7): they are closed with what they were for.
func TestWatchEnds(t *testing.T) {
	queue := func() string {
		f := NewFiles(t.TempDir(), nil)
		f.Watch()
		f.Tables(time.Now())
		return fmt.Sprintf("/proc/self/fd/%d", f.changes.queue)
	}()
	if to, err := os.Readlink(queue); !strings.Contains(to, "inotify") {
		t.Fatalf("%s is %s, %v", queue, to, err)
	}
	for end := time.Now().Add(20 * time.Second); ; runtime.GC() {
		if to, _ := os.Readlink(queue); !strings.Contains(to, "inotify") {
			return
		}
		if time.Now().After(end) {
			t.Fatal("it is open still")
		}
	}
}

func TestTablesCostNothing(t *testing.T) {
	f := NewFiles(t.TempDir(), nil)
	f.Watch()
	now := time.Now()
	f.Tables(now)
	if n := testing.AllocsPerRun(100, func() { f.Tables(now) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// Who changes a rule is followed by the next connection, however many ask at the same time.
func TestChangesUnderLoad(t *testing.T) {
	dir := t.TempDir()
	f := NewFiles(dir, nil)
	f.Watch()
	var all sync.WaitGroup
	done := make(chan struct{})
	for range 4 {
		all.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					f.Tables(time.Now())
				}
			}
		})
	}
	deny := filepath.Join(dir, "hosts.deny")
	for i := range 300 {
		var err error
		switch i % 4 {
		case 0:
			err = os.WriteFile(deny, []byte("ALL: ALL\n"), 0o644)
		case 1:
			err = os.Truncate(deny, 0)
		case 2:
			rename(t, deny, "ALL: ALL\n")
		case 3:
			err = os.Remove(deny)
		}
		if err != nil {
			t.Fatal(err)
		}
		if got, want := f.Tables(time.Now()) != nil, i%2 == 0; got != want {
			t.Fatalf("change %d: rules %v, want %v", i, got, want)
		}
	}
	close(done)
	all.Wait()
}

func BenchmarkNoRules(b *testing.B) {
	for name, watch := range map[string]bool{"looking": false, "watching": true} {
		f := NewFiles(b.TempDir(), nil)
		if watch {
			f.Watch()
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				f.Tables(time.Now())
			}
		})
	}
}

func BenchmarkFewRules(b *testing.B) {
	dir := b.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "hosts.deny"), []byte("sshd: 192.0.2. 198.51.100.0/24\nALL EXCEPT in.fingerd: 203.0.113.0/24\n"), 0o644); err != nil {
		b.Fatal(err)
	}
	f := NewFiles(dir, nil)
	time.Sleep(settle)
	f.Tables(time.Now())
	r := &Request{Daemon: "sshd", Client: addr("10.0.0.1:4000")}
	for b.Loop() {
		f.Tables(time.Now()).Decide(r)
	}
}

// A decision is an outcome or a need that shrinks each time it is met, whatever the rules are.
func FuzzDecide(f *testing.F) {
	f.Add("ALL: LOCAL EXCEPT 10.0.0.0/8: spawn x %u: deny\n", "sshd@gate: [fd00::]/16 root@*.org\n")
	f.Add("a: b: aclexec x: aclexec y: twist %n\n", "ALL: PARANOID\n1: **\n")
	f.Add("a: ALL: setenv A %c: severity mail.info: umask 7:\n", "a : \\\n b")
	f.Fuzz(func(t *testing.T, allow, deny string) {
		rules := tables(allow, deny)
		r := &Request{Daemon: "sshd", Client: addr("10.0.0.1:4000"), Server: addr("[fd00::1]:22"), Ran: map[string]bool{}}
		for range 3 + len(allow) + len(deny) {
			o, need := rules.Decide(r)
			switch {
			case need == Need{}:
				if o.Rule == "" && o.Verdict != Grant {
					t.Fatalf("%+v without a rule", o)
				}
				for _, a := range o.Actions {
					if len(a.Text) > expandMax {
						t.Fatalf("an action of %d bytes", len(a.Text))
					}
				}
				return
			case need.ClientName && r.Client.Name == "":
				r.Client.Name = "beta.example.org"
			case need.ServerName && r.Server.Name == "":
				r.Server.Name = "gate"
			case need.User && r.User == "":
				r.User = "root"
			case need.Command != "" && !has(r.Ran, need.Command):
				r.Ran[need.Command] = len(r.Ran)%2 == 0
			default:
				t.Fatalf("needs %+v again", need)
			}
		}
		t.Fatal("no end")
	})
}

func has(m map[string]bool, key string) bool { _, ok := m[key]; return ok }

// glob agrees with the obvious way to say the same.
func FuzzGlob(f *testing.F) {
	f.Add("a*b?c", "axxbyc")
	f.Add("**", "")
	f.Add("*a*a*a*b", "aaaaaaaaaaaaaaaa")
	f.Fuzz(func(t *testing.T, p, s string) {
		if len(p) > 12 || len(s) > 16 {
			_ = glob(p, s) // it ends
			return
		}
		if got, want := glob(p, s), slowGlob(p, s); got != want {
			t.Errorf("glob(%q, %q) is %v", p, s, got)
		}
	})
}

func slowGlob(p, s string) bool {
	switch {
	case p == "":
		return s == ""
	case p[0] == '*' && len(p) > 1 && strings.Trim(p, "*") == "":
		return s != ""
	case p[0] == '*':
		return slowGlob(p[1:], s) || s != "" && slowGlob(p, s[1:])
	}
	return s != "" && (p[0] == '?' || lower(p[0]) == lower(s[0])) && slowGlob(p[1:], s[1:])
}
