package config

import (
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// TestSettings: what is shown of the file that has everything is what is written there, and no value of env.
func TestSettings(t *testing.T) {
	c, d := Load("testdata/full.hcl", Options{Privileged: true})
	if d.HasErrors() {
		t.Fatal(printed(t, d))
	}
	shown := map[string]string{}
	for _, s := range c.Services[0].Settings() {
		shown[s.Attribute] = s.Value
	}
	for name, want := range map[string]string{
		"flags":             `["REUSE", "NODELAY", "KEEPALIVE", "NORETRY"]`,
		"socket_type":       `"stream"`,
		"wait":              `true`,
		"port":              `"7000-7002"`,
		"backlog":           `128`,
		"server":            `"/bin/sh"`,
		"server_args":       `["-sh", "-c", "exit 0"]`,
		"user":              `"root"`,
		"umask":             `"777"`,
		"nice":              `-5`,
		"rlimit_as":         `536870912`,
		"rlimit_rss":        `"UNLIMITED"`,
		"max_lifetime":      `"1h30m"`,
		"grace":             `"2.5s"`,
		"banner":            `a file of `,
		"instances":         `5`,
		"per_source":        `0`,
		"per_source_prefix": `[24, 56]`,
		"cps":               `[0, "24h"]`,
		"max_load":          `3.5`,
		"on_instances":      `"queue"`,
		"on_per_source":     `"reset"`,
		"on_cps":            `"pause"`,
		"access_times":      `["mon,tue,wed,thu,fri 08:00-18:00", "22:00-23:59"]`,
	} {
		if got := shown[name]; got != want && (name != "banner" || !strings.HasPrefix(got, want)) {
			t.Errorf("%s is shown as %s, want %s", name, got, want)
		}
	}
	if env := shown["env"]; !strings.Contains(env, `"A=…"`) || strings.Contains(env, "b=c") {
		t.Errorf("env is shown as %s", env)
	}
}

// TestEveryAspectIsShown: a change of anything has a value to show before or after it.
func TestEveryAspectIsShown(t *testing.T) {
	c, d := Load("testdata/full.hcl", Options{Privileged: true})
	if d.HasErrors() {
		t.Fatal(printed(t, d))
	}
	plain := mustLoad(t, "service \"echo\" {\n type = \"INTERNAL\"\n socket_type = \"stream\"\n instances = 5\n per_source = 0\n}", Options{}).Services[0]
	for _, delta := range Deltas(plain, c.Services[0]) {
		if delta.Old == delta.New || delta.Old == "" && delta.New == "" {
			t.Errorf("%+v", delta)
		}
	}
	a := c.Services[0]
	b := *a
	b.Program.Env = append([]string{"A=another"}, a.Program.Env...)
	b.Banner = []byte(strings.Repeat("x", len(a.Banner)))
	for _, delta := range Deltas(a, &b) {
		if delta.Old == delta.New || strings.Contains(delta.New, "another") {
			t.Errorf("%+v", delta)
		}
	}
}

// TestDaemonAspects: each part of the superd block is compared.
func TestDaemonAspects(t *testing.T) {
	for i := range reflect.TypeFor[Daemon]().NumField() {
		var d Daemon
		change(reflect.ValueOf(&d).Elem().Field(i))
		if len(DaemonDeltas(Daemon{}, d)) == 0 {
			t.Errorf("nobody sees a change of %s", reflect.TypeFor[Daemon]().Field(i).Name)
		}
	}
}

// change makes another value of v, and of each part of it.
func change(v reflect.Value) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.String:
		v.SetString("x")
	case reflect.Struct:
		for i := range v.NumField() {
			change(v.Field(i))
		}
	case reflect.Uint8, reflect.Uint32:
		v.SetUint(1)
	default:
		v.SetInt(1)
	}
}

// TestOrigin: attributes and rules know their lines, those from defaults too, and still do when the block has moved.
func TestOrigin(t *testing.T) {
	const text = `
defaults {
  per_source = 3
  no_access = [
    "192.0.2.1",
    "192.0.2.{2,3}",
  ]
}
service "echo" {
  type = "INTERNAL"
  socket_type = "stream"

  only_from = ["10.0.0.0/8",
    "127.0.0.1"]
}
`
	dir := t.TempDir()
	path := dir + "/superd.hcl"
	var l Loader
	check := func(shift int, text string) {
		t.Helper()
		rewrite(t, path, text)
		c, d := l.Load(path, Options{})
		if d.HasErrors() {
			t.Fatal(printed(t, d))
		}
		s := c.Services[0]
		at := func(line int) string { return path + ":" + strconv.Itoa(line+shift) }
		for name, want := range map[string]string{
			"type": at(10), "socket_type": at(11), "only_from": at(13), "per_source": at(3), "no_access": at(4), "instances": "", "nonsense": "",
		} {
			if got := c.Origin(s, name); got != want {
				t.Errorf("%s is from %q, want %q", name, got, want)
			}
		}
		for i, want := range []string{at(13), at(14)} {
			if got := c.RuleOrigin(s, false, i); got != want {
				t.Errorf("rule %d of only_from is from %q, want %q", i, got, want)
			}
		}
		for i, want := range []string{at(5), at(6), at(6)} {
			if got := c.RuleOrigin(s, true, i); got != want {
				t.Errorf("rule %d of no_access is from %q, want %q", i, got, want)
			}
		}
	}
	check(0, text)
	first, _ := l.Load(path, Options{})
	check(2, "\n\n"+text)
	moved, _ := l.Load(path, Options{})
	if !first.Services[0].Equal(moved.Services[0]) {
		t.Error("a service that has moved is another one")
	}
}
