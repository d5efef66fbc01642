package config

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// write makes files of a folder, by path, and returns the folder.
func write(t testing.TB, files map[string]string) string {
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

// loadText loads a configuration of one file.
func loadText(t testing.TB, text string, o Options) (*Config, *Diagnostics) {
	t.Helper()
	return Load(filepath.Join(write(t, map[string]string{"superd.hcl": text}), "superd.hcl"), o)
}

// mustLoad is loadText where nothing may be wrong.
func mustLoad(t testing.TB, text string, o Options) *Config {
	t.Helper()
	c, d := loadText(t, text, o)
	if d.Len() > 0 {
		t.Fatalf("%s\n%s", text, printed(t, d))
	}
	return c
}

func printed(t testing.TB, d *Diagnostics) string {
	t.Helper()
	var b bytes.Buffer
	if err := d.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// wantProblem checks that exactly one problem was found and that its line has all the words.
func wantProblem(t *testing.T, d *Diagnostics, severity Severity, words ...string) {
	t.Helper()
	if d.Len() != 1 || d.Problems()[0].Severity != severity {
		t.Fatalf("want one %s about %q, got\n%s", severity, words, printed(t, d))
	}
	for _, w := range words {
		if s := d.Problems()[0].String(); !strings.Contains(s, w) {
			t.Errorf("no %q in %s", w, s)
		}
	}
}

// TestClassic loads the two services and the defaults of a classic xinetd.conf, line for line.
func TestClassic(t *testing.T) {
	dir := write(t, map[string]string{
		"superd.hcl": `
defaults {
  log_type       = "SYSLOG daemon info"
  log_on_failure = ["HOST"]
  log_on_success = ["PID", "HOST", "DURATION", "EXIT"]
  cps            = [50, 10]
  instances      = 50
  per_source     = 10
  v6only         = false
  groups         = true
  umask          = "002"
}
include = ["conf.d/*.hcl"]
`,
		"conf.d/daytime.hcl": `
service "daytime" {
  disable = false
  id      = "daytime-stream"
  type    = "INTERNAL"
  wait    = false
  socket_type = "stream"
}`,
		"conf.d/ftp.hcl": `
service "ftp" {
  flags       = ["REUSE"]
  socket_type = "stream"
  wait        = false
  user        = "root"
  server      = "/bin/true"
  server_args = ["/etc/vsftpd.conf"]
  log_on_failure = concat(defaults.log_on_failure, ["USERID"])
  disable     = false
}`,
	})
	c, d := Load(filepath.Join(dir, "superd.hcl"), Options{Privileged: true})
	if d.Len() > 0 {
		t.Fatal(printed(t, d))
	}
	daytime, ftp := c.Services[0], c.Services[1]
	if daytime.ID != "daytime-stream" || daytime.Name != "daytime" || daytime.Builtin != "daytime" || daytime.Limits.PerSource != 10 {
		t.Errorf("daytime: %+v", daytime)
	}
	if got, want := ftp.Log.OnFailure, LogHost|LogUserID; got != want {
		t.Errorf("ftp logs %b on failure, want %b", got, want)
	}
	want := Program{
		Path: "/bin/true", Args: []string{"true", "/etc/vsftpd.conf"}, Env: ftp.Program.Env, Dir: "/", Umask: 0o002,
		Credential: &Credential{Groups: ftp.Program.Credential.Groups},
	}
	if !reflect.DeepEqual(ftp.Program, want) {
		t.Errorf("program %+v, want %+v", ftp.Program, want)
	}
	if len(ftp.Program.Credential.Groups) == 0 {
		t.Error("root has no groups")
	}
	if got, want := ftp.Log.Target, (LogTarget{Kind: Syslog, Facility: "daemon", Level: "info"}); got != want {
		t.Errorf("log %+v, want %+v", got, want)
	}
	if got := ftp.At; !strings.HasSuffix(got, "conf.d/ftp.hcl:2") {
		t.Errorf("at %s", got)
	}
}

// TestFull loads a file that sets every attribute away from its default; full.golden is what comes out.
func TestFull(t *testing.T) {
	for name, value := range map[string]string{"PATH": "/bin", "LANG": "C", "TZ": "UTC"} {
		t.Setenv(name, value)
	}
	c, d := Load("testdata/full.hcl", Options{Privileged: true})
	if d.Len() > 0 {
		t.Fatal(printed(t, d))
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/full.golden", bytes.ReplaceAll(dump(c), []byte(here), []byte("$HERE")))

	var text []byte
	for _, path := range []string{"testdata/full.hcl", "testdata/full/echo.hcl"} {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, b...)
	}
	for _, a := range Attributes {
		if !assigns(text, a.Name) {
			t.Errorf("full.hcl does not set %s", a.Name)
		}
	}
}

func TestDefaultsApplyWhereverTheyStand(t *testing.T) {
	c := mustLoad(t, `
service "echo" {
  type        = "INTERNAL"
  socket_type = "stream"
}
defaults {
  only_from = ["192.0.2.1"]
}`, Options{})
	if a := c.Services[0].Access; !a.Restricted || len(a.OnlyFrom) != 1 {
		t.Errorf("access %+v", a)
	}
}

// TestDefaultsReferences: defaults.NAME is what stands there, or what the table has, or an empty list.
func TestDefaultsReferences(t *testing.T) {
	c := mustLoad(t, `
defaults {
  no_access = ["192.0.2.1"]
}
service "echo" {
  type           = "INTERNAL"
  socket_type    = "stream"
  no_access      = concat(defaults.no_access, ["192.0.2.2"])
  only_from      = concat(defaults.only_from, ["192.0.2.3"])
  passenv        = concat(defaults.passenv, ["HOME"])
  log_on_success = concat(defaults.log_on_success, ["TRAFFIC"])
  instances      = defaults.instances
  banner         = defaults.banner
  umask          = defaults.umask
}`, Options{})
	s := c.Services[0]
	if len(s.Access.NoAccess) != 2 || len(s.Access.OnlyFrom) != 1 {
		t.Errorf("access %+v", s.Access)
	}
	if want := LogPID | LogHost | LogDuration | LogExit | LogTraffic; s.Log.OnSuccess != want {
		t.Errorf("log_on_success %b, want %b", s.Log.OnSuccess, want)
	}
	if s.Limits.Instances != Unlimited {
		t.Errorf("instances %d", s.Limits.Instances)
	}
}

func TestEnabledDisabled(t *testing.T) {
	services := `
service "echo" {
  type        = "INTERNAL"
  socket_type = "stream"
}
service "discard" {
  type        = "INTERNAL"
  socket_type = "stream"
}
service "time" {
  type        = "INTERNAL"
  socket_type = "stream"
  disable     = true
}`
	for _, c := range []struct {
		defaults string
		on       []string
	}{
		{``, []string{"echo", "discard"}},
		{`enabled = ["ECHO", "time"]`, []string{"echo"}},
		{`enabled = []`, nil},
		{`disabled = ["echo"]`, []string{"discard"}},
		{"enabled = [\"echo\"]\ndisabled = [\"echo\"]", nil},
	} {
		got := mustLoad(t, "defaults {\n"+c.defaults+"\n}\n"+services, Options{})
		var on []string
		for _, s := range got.Services {
			on = append(on, s.ID)
		}
		if !reflect.DeepEqual(on, c.on) || len(got.Disabled) != 3-len(c.on) {
			t.Errorf("%s: on %q, off %q; want on %q", c.defaults, on, got.Disabled, c.on)
		}
	}
}

// TestDisabledIsNotResolved: what needs the machine is not looked at in a service that is off, the words are.
func TestDisabledIsNotResolved(t *testing.T) {
	off := `
service "echo" {
  disable = true
  user    = "no-such-user-here"
  server  = "/nonexistent"
  %s
}`
	mustLoad(t, strings.ReplaceAll(off, "%s", ""), Options{})
	_, d := loadText(t, strings.ReplaceAll(off, "%s", `flags = ["REUES"]`), Options{})
	wantProblem(t, d, Error, "REUSE")
}

// TestPrivileges: who may say user, and who must.
func TestPrivileges(t *testing.T) {
	program := `
service "ftp" {
  socket_type = "stream"
  wait        = false
  server      = "/bin/true"
  %s
}`
	load := func(line string, o Options) (*Config, *Diagnostics) {
		return loadText(t, strings.ReplaceAll(program, "%s", line), o)
	}
	root := Options{Privileged: true}
	for _, c := range []struct {
		line string
		o    Options
		want string // of the one error; "" for none
	}{
		{``, root, "No user"},
		{``, Options{}, ""},
		{``, Options{Portable: true, Privileged: true}, ""},
		{`user = "no-such-user-here"`, root, "Unknown user"},
		{`user = "no-such-user-here"`, Options{Portable: true}, ""},
		{`user = 3999999`, root, "write group"},
		{"user = 3999999\n group = 3999999", root, ""},
		{"user = 3999999\n group = 3999999\n groups = true", root, "write groups = false"},
		{`user = 3999999`, Options{}, "Only root"},
		{`group = 3999999`, Options{}, "Only root"},
		{`chroot = "/"`, Options{}, "Only root"},
		{`nice = -1`, Options{}, "Only root"},
	} {
		config, d := load(c.line, c.o)
		if c.want != "" {
			wantProblem(t, d, Error, c.want)
			continue
		}
		if d.Len() > 0 {
			t.Errorf("%q: %s", c.line, printed(t, d))
			continue
		}
		if cred := config.Services[0].Program.Credential; (cred != nil) != (c.o == root) {
			t.Errorf("%q: credential %+v", c.line, cred)
		}
	}
	c, _ := load("user = 3999999\n group = 4000000", root)
	if got := *c.Services[0].Program.Credential; !reflect.DeepEqual(got, Credential{Uid: 3999999, Gid: 4000000}) {
		t.Errorf("credential %+v", got)
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("PATH", "")
	t.Setenv("LANG", "C")
	t.Setenv("TZ", "UTC")
	os.Unsetenv("TZ")
	t.Setenv("EXTRA", "1")
	for _, c := range []struct{ lines, want string }{
		{``, "PATH=" + safePath + " LANG=C"},
		{`passenv = []`, ""},
		{`passenv = ["EXTRA"]`, "EXTRA=1"},
		{`env = ["LANG=de", "EMPTY="]`, "PATH=" + safePath + " LANG=de EMPTY="},
	} {
		config := mustLoad(t, "service \"ftp\" {\n socket_type = \"stream\"\n wait = false\n server = \"/bin/true\"\n"+c.lines+"\n}", Options{})
		if got := strings.Join(config.Services[0].Program.Env, " "); got != c.want {
			t.Errorf("%s: %s, want %s", c.lines, got, c.want)
		}
	}
}

// TestServerBesideFile: ./ is the folder of the file that says so, not that of the main file.
func TestServerBesideFile(t *testing.T) {
	dir := write(t, map[string]string{
		"superd.hcl":    `include = ["conf.d/*.hcl"]`,
		"conf.d/run":    "",
		"conf.d/a.hcl":  "service \"ftp\" {\n socket_type = \"stream\"\n wait = false\n server = \"./run\"\n banner = \"./hi\"\n}",
		"conf.d/hi":     "welcome\n",
		"conf.d/.b.hcl": "not HCL at all",
	})
	if err := os.Chmod(filepath.Join(dir, "conf.d/run"), 0o755); err != nil {
		t.Fatal(err)
	}
	c, d := Load(filepath.Join(dir, "superd.hcl"), Options{})
	if d.Len() > 0 {
		t.Fatal(printed(t, d))
	}
	if got, want := c.Services[0].Program.Path, filepath.Join(dir, "conf.d/run"); got != want {
		t.Errorf("server %s, want %s", got, want)
	}
	if got := string(c.Services[0].Banner); got != "welcome\n" {
		t.Errorf("banner %q", got)
	}
}

func TestMissingMainFile(t *testing.T) {
	c, d := Load("/nonexistent/superd.hcl", Options{})
	if c != nil {
		t.Error("a Config")
	}
	wantProblem(t, d, Error, "/nonexistent/superd.hcl: error:", "no such file")
}

// TestHash: equal files have equal hashes, wherever they are; a border that moves between two files shows.
func TestHash(t *testing.T) {
	hash := func(main, other string) string {
		dir := t.TempDir()
		for name, text := range map[string]string{"superd.hcl": "include = [\"a.hcl\"]\n" + main, "a.hcl": other} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		c, d := Load(filepath.Join(dir, "superd.hcl"), Options{})
		if d.Len() > 0 {
			t.Fatal(printed(t, d))
		}
		return c.Hash
	}
	a := hash("# one\n", "# two\n")
	if len(a) != 64 || a != hash("# one\n", "# two\n") {
		t.Errorf("hash %q, and another one for the same files", a)
	}
	if a == hash("# one\n# two\n", "") || a == hash("# one\n", "# twO\n") {
		t.Error("other files have the same hash")
	}
}
