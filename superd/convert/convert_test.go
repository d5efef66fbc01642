package convert

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// write makes a folder with files.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// says reports whether one of the remarks has the text.
func says(r *Result, text string) bool {
	for _, m := range r.Remarks {
		if strings.Contains(m.String(), text) {
			return true
		}
	}
	return false
}

// TestRoot: what a copy of another machine's files includes is in the copy.
func TestRoot(t *testing.T) {
	dir := write(t, map[string]string{
		"etc/xinetd.conf": "includedir /etc/xinetd.d\ninclude /etc/more\n", "etc/xinetd.d/echo": echo, "etc/more": strings.Replace(echo, "echo", "time", 1),
		"etc/inetd.conf": ".include \"/etc/inetd.d/*\"\n", "etc/inetd.d/daytime": "daytime stream tcp nowait root internal\n",
		"etc/systemd/system/a.socket.d/b.conf": "[Socket]\nMaxConnections=5\nListenStream=7001\n",
		"etc/systemd/system/a.socket":          "[Socket]\nListenStream=7000\nAccept=yes\n",
		"usr/lib/systemd/system/a@.service":    "[Service]\nExecStart=/bin/cat\nStandardInput=socket\nUser=nobody\n",
	})
	r, err := Convert([]string{dir + "/etc/xinetd.conf", dir + "/etc/inetd.conf", dir + "/etc/systemd/system/a.socket"}, Options{Root: dir, Portable: true})
	if err != nil || len(r.Remarks) > 0 {
		t.Fatal(err, r.Remarks)
	}
	passes(t, r)
	var names []string
	for _, s := range readHCL(string(r.Files[0].Text)) {
		names = append(names, s.name)
	}
	if got := strings.Join(names, " "); got != "echo time daytime a a" {
		t.Errorf("services: %s", got)
	}
}

// TestVariables: the files of variables that a unit of this machine names are read for its arguments, and for nothing else.
func TestVariables(t *testing.T) {
	dir := write(t, map[string]string{
		"etc/systemd/system/a.socket":   "[Socket]\nListenStream=7000\nAccept=yes\n",
		"etc/systemd/system/a@.service": "[Service]\nEnvironment=KIND=x\nEnvironmentFile=-/etc/default/a\nEnvironmentFile=-/etc/default/none\nExecStart=/bin/cat $OPTIONS ${KIND} $NONE\nStandardInput=socket\n",
		"etc/default/a":                 "# what it is called with\nOPTIONS=\"-u -v\"\nKIND=y\nexport=1\nPASSWORD='secret'\nnonsense\n",
	})
	r, err := Convert([]string{dir + "/etc/systemd/system"}, Options{Root: dir, Portable: true})
	if err != nil {
		t.Fatal(err)
	}
	passes(t, r)
	text := string(r.Files[0].Text)
	if !strings.Contains(text, `server_args = ["-u", "-v", "y"]`) || strings.Contains(text, "secret") || !says(r, "Nothing sets NONE") || !says(r, "It cannot be read here") {
		t.Errorf("%s\n%v", text, r.Remarks)
	}
	// Copied elsewhere, they say nothing of this machine's files.
	if r, err = Convert([]string{dir + "/etc/systemd/system"}, Options{Portable: true}); err != nil || !says(r, "Nothing sets OPTIONS") {
		t.Errorf("%v\n%s\n%v", err, r.Files[0].Text, r.Remarks)
	}
}

const echo = "service echo\n{\n\ttype = INTERNAL\n\tsocket_type = stream\n\twait = no\n}\n"

// TestHostile: what is in the way is named, and the rest is converted.
func TestHostile(t *testing.T) {
	dir := write(t, map[string]string{"xinetd.d/echo": echo, "xinetd.d/nul": "service a\x00b\n", "xinetd.d/utf16": "\xff\xfes\x00", "xinetd.d/huge": strings.Repeat("x", maxFile+1)})
	if err := syscall.Mkfifo(filepath.Join(dir, "xinetd.d/fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"null": "/dev/null", "zero": "/dev/zero", "loop": "loop", "gone": "nowhere", "self": ".", "same": "echo"} {
		if err := os.Symlink(to, filepath.Join(dir, "xinetd.d", name)); err != nil {
			t.Fatal(err)
		}
	}
	r, err := Convert([]string{filepath.Join(dir, "xinetd.d")}, Options{Portable: true})
	if err != nil {
		t.Fatal(err)
	}
	passes(t, r)
	if got := readHCL(string(r.Files[0].Text)); len(got) != 1 || got[0].name != "echo" {
		t.Errorf("services: %v", got)
	}
	for _, want := range []string{
		"/fifo: error: Cannot read", "not a regular file", "/null: error:", "/zero: error:", "/loop: error:", "/gone: error:", "/self: warning: A folder",
		"/nul: error: Cannot read", "NUL on line 1", "UTF-16", "too large",
	} {
		if !says(r, want) {
			t.Errorf("nothing says %q: %v", want, r.Remarks)
		}
	}
	if !r.Failed() {
		t.Error("it has not failed")
	}
}

// TestOfNoUse: paths that are nothing at all are an error, whatever the kind.
func TestOfNoUse(t *testing.T) {
	dir := write(t, map[string]string{"prose": "Dear reader,\nthis is no configuration.\n", "empty": ""})
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"prose", "empty", "fifo", "missing", "-"} {
		path := filepath.Join(dir, name)
		if name == "-" {
			path = name
		}
		if _, err := Convert([]string{path}, Options{}); err == nil {
			t.Errorf("%s was converted", name)
		}
	}
	if _, err := Convert(nil, Options{}); err == nil {
		t.Error("nothing was converted")
	}
	for _, name := range []string{"fifo", "missing"} {
		for _, kind := range []Kind{Xinetd, Inetd, Systemd} {
			r, err := Convert([]string{filepath.Join(dir, name)}, Options{Kind: kind})
			if err != nil || !r.Failed() {
				t.Errorf("%s as %s: %v", name, kind, err)
			}
		}
	}
	// What looks like nothing is taken as what it is said to be.
	for _, kind := range []Kind{Xinetd, Inetd, Systemd} {
		r, err := Convert([]string{filepath.Join(dir, "prose")}, Options{Kind: kind})
		if err != nil || r.Failed() || len(r.Remarks) == 0 {
			t.Errorf("prose as %s: %v, %v", kind, err, r)
		}
		passes(t, r)
	}
}

// TestEncodings: CRLF, a byte order mark, Latin-1 and control characters.
func TestEncodings(t *testing.T) {
	for _, c := range []struct{ text, remark string }{
		{strings.ReplaceAll(echo, "\n", "\r\n"), ":1: warning: Lines end in a carriage return"},
		{"\xef\xbb\xbf" + echo, ":1: warning: The file begins with a byte order mark"},
		{"# g\xe9r\xe9\n" + echo, ":1: warning: This is not UTF-8"},
		{"# \x1b[31m\x07\n" + echo, ""},
		{"\f\v" + echo, ""},
	} {
		dir := write(t, map[string]string{"echo": c.text})
		r, err := Convert([]string{filepath.Join(dir, "echo")}, Options{Portable: true})
		if err != nil {
			t.Fatal(err)
		}
		passes(t, r)
		if got := readHCL(string(r.Files[0].Text)); len(got) != 1 || got[0].name != "echo" {
			t.Errorf("%q: %v", c.text, got)
		}
		if c.remark != "" && !says(r, c.remark) {
			t.Errorf("%q: %v", c.text, r.Remarks)
		}
		if bytes.ContainsFunc(r.Files[0].Text, func(c rune) bool {
			return c < ' ' && c != '\n' && c != '\t' || c == '\uFFFD' && !strings.ContainsRune(string(r.Files[0].Text), '[')
		}) {
			t.Errorf("control characters in %q", r.Files[0].Text)
		}
	}
}

// TestLarge: a megabyte of each language, and of what might take time that grows with its square, in lines short and long.
func TestLarge(t *testing.T) {
	const (
		mega = 1 << 20
		part = mega / 16 // for what is not likely, so that the test takes no longer than it is worth
	)
	repeat := func(size int, line func(i int) string) string {
		var b strings.Builder
		for i := 0; b.Len() < size; i++ {
			b.WriteString(line(i))
		}
		return b.String()
	}
	for name, c := range map[string]struct {
		kind Kind
		text string
	}{
		"xinetd services": {Xinetd, repeat(mega, func(i int) string {
			return fmt.Sprintf("service s%d\n{\n\ttype = UNLISTED\n\tport = %d\n\tsocket_type = stream\n\twait = no\n\tuser = root\n\tserver = /bin/cat\n}\n", i, 1+i%65535)
		})},
		"xinetd same":     {Xinetd, strings.Repeat(echo, part/len(echo))},
		"xinetd junk":     {Xinetd, strings.Repeat("x\n", part/2)},
		"xinetd settings": {Xinetd, "service a\n{\n" + repeat(part, func(i int) string { return fmt.Sprintf("\tonly_from += 10.%d.%d.1\n", i/256%256, i%256) }) + "}\n"},
		"xinetd one line": {Xinetd, "service a\n{\nserver_args = " + strings.Repeat("a ", part/2) + "\n}\n"},
		"xinetd braces":   {Xinetd, strings.Repeat("service a {\n", part/12)},
		"inetd entries":   {Inetd, repeat(2*part, func(i int) string { return fmt.Sprintf("%d stream tcp nowait root /bin/cat cat\n", 1+i%65535) })},
		"inetd one line":  {Inetd, strings.Repeat("a", mega)},
		"inetd blanks":    {Inetd, strings.Repeat(" \n", mega/2)},
		"inetd goes on":   {Inetd, "1 stream tcp nowait root /bin/cat cat\n" + strings.Repeat(" x\n", part/3)},
		"inetd keyed":     {Inetd, strings.Repeat("a on protocol = tcp\n", part/20)},
		"systemd keys":    {Systemd, "[Socket]\n" + repeat(part, func(i int) string { return fmt.Sprintf("ListenStream=%d\n", 1+i%65535) })},
		"systemd lines":   {Systemd, "[Socket]\nListenStream=1\n" + strings.Repeat("Backlog=5\n", part/10)},
		"systemd goes on": {Systemd, "[Socket]\nA=" + strings.Repeat("\\\n", mega/2)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := write(t, map[string]string{"large.socket": c.text})
			begin := time.Now()
			r, err := Convert([]string{filepath.Join(dir, "large.socket")}, Options{Kind: c.kind, Portable: true})
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%v, %d bytes, %d remarks and %d more", time.Since(begin).Round(time.Millisecond), len(r.Files[0].Text), len(r.Remarks), r.Omitted)
			if len(r.Remarks) > maxRemarks {
				t.Errorf("%d remarks are kept", len(r.Remarks))
			}
		})
	}
}
