package event

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"superd/superd/config"
)

func TestWords(t *testing.T) {
	for given, want := range map[string]string{
		"plain-1.2/3:[::1]%@~": "plain-1.2/3:[::1]%@~",
		"grün":                 "grün",
		"two words":            `"two words"`,
		"a=b":                  `"a=b"`,
		`say "x"`:              `"say \"x\""`,
		`back\slash`:           `"back\\slash"`,
		"new\nSTART service=x": `"new\nSTART service=x"`,
		"\x1b[2J":              `"\x1b[2J"`,
		"del\x7f":              `"del\x7f"`,
		"nul\x00del\x7f":       `"nul\x00del\x7f"`,
		"right\u202eleft":      `"right\u202eleft"`,
		"nbsp\u00a0":           `"nbsp\u00a0"`,
		"grün =":               `"grün ="`,
		"\xff":                 `"\xff"`,
	} {
		if got := string(appendWord(nil, given)); got != want {
			t.Errorf("%q: got %s, want %s", given, got, want)
		}
	}
}

func TestPrintable(t *testing.T) {
	for given, want := range map[string]string{
		"\tcaret ^^ ü":         "\tcaret ^^ ü",
		"\x1b]0;title\a\r\x7f": `\x1b]0;title\x07\x0d\x7f`,
		"a\u202eb\U000e0001c":  `a\u{202e}b\u{e0001}c`,
		"\xff\xc3":             `\xff\xc3`,
	} {
		if got := string(appendPrintable(nil, given)); got != want {
			t.Errorf("%q: got %s, want %s", given, got, want)
		}
	}
}

func TestSeconds(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0.000", time.Millisecond: "0.001", 999999 * time.Microsecond: "0.999", time.Second: "1.000",
		90*time.Minute + 50*time.Millisecond: "5400.050",
	} {
		if got := string(appendSeconds(nil, d)); got != want {
			t.Errorf("%v: got %s, want %s", d, got, want)
		}
	}
	var e Event
	if e.duration(keyDuration, -time.Second); e.fields[0].num != 0 {
		t.Error("a clock that was set back yields a negative duration")
	}
}

func TestValuesAreBounded(t *testing.T) {
	e := ConfigError(strings.Repeat("ü", 10000), strings.Repeat("x", 10000), strings.Repeat("y", 100000))
	for _, layout := range []layout{layoutText, layoutJSON, layoutJournal} {
		f := format{layout: layout}
		if b := f.append(nil, &e, sampleTime); len(b) > 2*valueMax*2+2*textMax {
			t.Errorf("layout %d: %d bytes", layout, len(b))
		} else if !utf8.Valid(b) {
			t.Errorf("layout %d: cut in the middle of a character", layout)
		} else if !bytes.Contains(b, []byte("x…")) {
			t.Errorf("layout %d: nothing shows that something is missing", layout)
		}
	}
	if got := clip("\x80\x80\x80\x80\x80\x80\x80\x80", 6); len(got) > 6+len("…") {
		t.Errorf("clip = %q", got)
	}
}

func TestZonesAndMappedAddresses(t *testing.T) {
	f := format{}
	for given, want := range map[string]string{
		"[fe80::1%eth0]:1":       "from=fe80::1%eth0 port=1",
		"[fe80::1%a b=c]:1":      `from="fe80::1%a b=c" port=1`,
		"[::ffff:192.0.2.7]:513": "from=192.0.2.7 port=513",
		"[2001:db8::1]:65535":    "from=2001:db8::1 port=65535",
	} {
		start := Start{Service: "s", Peer: netip.MustParseAddrPort(given)}
		e := start.event(config.LogHost)
		if got := string(f.append(nil, &e, sampleTime)); got != "START service=s conn=0 "+want+"\n" {
			t.Errorf("%s: got %q", given, got)
		}
	}
}

func TestHeads(t *testing.T) {
	e := ConfigWarning("f:1,1-2", "odd", "one\ntwo")
	local := time.Local
	time.Local = time.FixedZone("CET", 3600)
	defer func() { time.Local = local }()
	for _, c := range []struct {
		format format
		want   string
	}{
		{format{head: headStamp, pid: 7}, "2026-11-22T12:31:42.123Z superd[7] CONFIG-WARNING at=\"f:1,1-2\" summary=odd\n    one\n    two\n"},
		{format{head: headPriority, severity: 6}, "<4>CONFIG-WARNING at=\"f:1,1-2\" summary=odd\n<4>    one\n<4>    two\n"},
		{format{head: headSyslog, facility: 24, severity: 6, pid: 7}, "<28>Nov 22 13:31:42 superd[7]: CONFIG-WARNING at=\"f:1,1-2\" summary=odd\n" +
			"<28>Nov 22 13:31:42 superd[7]:     one\n<28>Nov 22 13:31:42 superd[7]:     two\n"},
	} {
		want := strings.ReplaceAll(c.want, `"f:1,1-2"`, "f:1,1-2")
		if got := string(c.format.append(nil, &e, sampleTime)); got != want {
			t.Errorf("got\n%swant\n%s", got, want)
		}
	}
}

func TestPriorityIsTheWorse(t *testing.T) {
	for _, c := range []struct {
		level string
		event Event
		want  int
	}{
		{"info", Ready(1, 1), 6}, {"", Ready(1, 1), 6}, {"notice", Ready(1, 1), 5}, {"err", Ready(1, 1), 3}, {"debug", Ready(1, 1), 6},
		{"info", lostEvent(1), 4}, {"crit", lostEvent(1), 2}, {"info", ReloadFailed(io.EOF), 3},
	} {
		n, err := severity(c.level)
		f := format{severity: n}
		if got := f.priority(&c.event); err != nil || got != c.want {
			t.Errorf("%s of level %q: priority %d, %v; want %d", kinds[c.event.kind].name, c.level, got, err, c.want)
		}
	}
}

// Whatever the values are, each format gives them back, and a line stays one line.
func FuzzFormats(f *testing.F) {
	f.Add("ftp", "why\nnot", "text\nof two lines")
	f.Add("a b", `"\`, "\x00\x1b\u202e\xff\U000e0001")
	f.Add("=", "\u2028", "\n\n")
	f.Fuzz(func(t *testing.T, service, reason, text string) {
		e := Warn(service, reason)
		e.body(text)
		want := map[string]string{"event": "WARNING"}
		if service != "" {
			want["service"] = clip(service, valueMax)
		}
		if reason != "" {
			want["reason"] = clip(reason, valueMax)
		}
		checkText(t, e, want)
		checkJSON(t, e, want)
		checkJournal(t, e, want)
		checkXinetd(t, service, reason, e)
	})
}

// checkXinetd: whatever a service is called and an ident server says, a line begins as one and has nothing that does not show.
func checkXinetd(t *testing.T, service, said string, e Event) {
	f := format{layout: layoutXinetd, head: headXinetd}
	u := UserID{Service: service, Text: said}
	user := u.event(config.LogUserID)
	for _, e := range []Event{e, user} {
		lines := strings.SplitAfter(string(f.append(nil, &e, sampleTime)), "\n")
		for i, line := range lines[:len(lines)-1] {
			if i == 0 && !strings.HasPrefix(line, "26/11/22@") || i > 0 && !strings.HasPrefix(line, "    ") {
				t.Errorf("xinetd: line %d of %q", i, lines)
			}
			for _, r := range strings.TrimSuffix(line, "\n") {
				if r != '\t' && !strconv.IsPrint(r) {
					t.Errorf("xinetd: %q has what cannot be printed", line)
				}
			}
		}
	}
}

func checkText(t *testing.T, e Event, want map[string]string) {
	f := format{}
	out := string(f.append(nil, &e, sampleTime))
	lines := strings.SplitAfter(out, "\n")
	lines = lines[:len(lines)-1]
	got, err := parseText(lines[0])
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("text: %v, %v; want %v", got, err, want)
	}
	for _, line := range lines[1:] {
		if !strings.HasPrefix(line, "    ") {
			t.Errorf("text: a line of the body that looks like an event: %q", line)
		}
	}
	for _, r := range out {
		if r != '\n' && r != '\t' && !strconv.IsPrint(r) || !utf8.ValidString(out) {
			t.Errorf("text: %q has what cannot be printed", out)
		}
	}
}

// parseText reads "NAME key=value …\n" as somebody would who trusts the format.
func parseText(line string) (map[string]string, error) {
	line = strings.TrimSuffix(line, "\n")
	name, rest, _ := strings.Cut(line, " ")
	m := map[string]string{"event": name}
	for rest != "" {
		key, after, ok := strings.Cut(rest, "=")
		if !ok {
			return m, errors.New("no = in " + rest)
		}
		if strings.HasPrefix(after, `"`) {
			quoted, err := strconv.QuotedPrefix(after)
			if err != nil {
				return m, err
			}
			m[key], _ = strconv.Unquote(quoted)
			rest = strings.TrimPrefix(after[len(quoted):], " ")
			continue
		}
		m[key], rest, _ = strings.Cut(after, " ")
	}
	return m, nil
}

func checkJSON(t *testing.T, e Event, want map[string]string) {
	f := format{layout: layoutJSON, pid: 7}
	out := f.append(nil, &e, sampleTime)
	if bytes.Count(out, []byte("\n")) != 1 {
		t.Errorf("JSON: more than a line: %q", out)
	}
	var got map[string]any
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("JSON: %v in %s", err, out)
	}
	for k, v := range want {
		if got[k] != strings.ToValidUTF8(v, "\ufffd") && utf8.ValidString(v) {
			t.Errorf("JSON: %s = %q, want %q", k, got[k], v)
		}
	}
	if text, _ := got["text"].(string); utf8.ValidString(e.text) && text != e.text {
		t.Errorf("JSON: text = %q, want %q", text, e.text)
	}
	if got["daemon"] != 7.0 || got["time"] != "2026-11-22T12:31:42.123Z" || got["level"] != "warning" {
		t.Errorf("JSON: %v", got)
	}
}

func checkJournal(t *testing.T, e Event, want map[string]string) {
	f := format{layout: layoutJournal, severity: 6}
	got, err := parseJournal(f.append(nil, &e, sampleTime))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range want {
		if name := "SUPERD_" + strings.ToUpper(k); got[name] != v {
			t.Errorf("journal: %s = %q, want %q", name, got[name], v)
		}
	}
	if got["PRIORITY"] != "4" || got["SYSLOG_IDENTIFIER"] != "superd" || !strings.HasPrefix(got["MESSAGE"], "WARNING") {
		t.Errorf("journal: %q", got)
	}
	if len(got) != 3+len(want) {
		t.Errorf("journal: more fields than wanted: %q", got)
	}
}

// parseJournal reads one datagram of journald's native protocol.
func parseJournal(p []byte) (map[string]string, error) {
	m := map[string]string{}
	for len(p) > 0 {
		line, rest, ok := bytes.Cut(p, []byte("\n"))
		if !ok {
			return m, fmt.Errorf("no end in %q", p)
		}
		name, value, ok := bytes.Cut(line, []byte("="))
		if !ok {
			if len(rest) < 8 {
				return m, fmt.Errorf("no length in %q", p)
			}
			n := binary.LittleEndian.Uint64(rest)
			if rest = rest[8:]; n >= uint64(len(rest)) || rest[n] != '\n' {
				return m, fmt.Errorf("length %d is wrong in %q", n, p)
			}
			value, rest = rest[:n], rest[n+1:]
		}
		if _, twice := m[string(name)]; twice {
			return m, fmt.Errorf("%s twice", name)
		}
		m[string(name)] = string(value)
		p = rest
	}
	return m, nil
}

func BenchmarkFormat(b *testing.B) {
	start := sampleStart()
	for name, f := range map[string]format{
		"text": {head: headStamp, pid: 7}, "json": {layout: layoutJSON, pid: 7},
		"journal": {layout: layoutJournal}, "syslog": {head: headSyslog, facility: 24, pid: 7},
	} {
		b.Run(name, func(b *testing.B) {
			buf := make([]byte, 0, 1024)
			b.ReportAllocs()
			for b.Loop() {
				e := start.event(allFlags)
				buf = f.append(buf[:0], &e, sampleTime)
			}
		})
	}
}

// What hosts.allow says of severity counts for syslog and the journal, whatever log_type says.
func TestSeverity(t *testing.T) {
	r := Refuse{Service: "s", Verdict: "libwrap"}
	syslog := format{head: headSyslog, facility: 3 * 8, severity: 6}
	for s, want := range map[Severity]string{
		{}:                           "<29>",
		NewSeverity("", "debug"):     "<31>",
		NewSeverity("auth", "alert"): "<33>",
		NewSeverity("none", "none"):  "<29>",
	} {
		r.Severity = s
		e := r.event(config.LogHost)
		if got := string(syslog.append(nil, &e, sampleTime)); !strings.HasPrefix(got, want) {
			t.Errorf("%+v: %s, want %s", s, got, want)
		}
	}
	e := r.event(config.LogHost)
	e.severity = NewSeverity("auth", "crit")
	journal := format{layout: layoutJournal, severity: 6}
	if got := string(journal.append(nil, &e, sampleTime)); !strings.Contains(got, "PRIORITY=2\n") {
		t.Errorf("%s", got)
	}
}
