package config

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// same compares what a Loader gives with what Load gives, diagnostics included.
func same(t *testing.T, l *Loader, path string, o Options) *Config {
	t.Helper()
	got, gotDiags := l.Load(path, o)
	want, wantDiags := Load(path, o)
	if g, w := printed(t, gotDiags), printed(t, wantDiags); g != w {
		t.Fatalf("diagnostics differ, got\n%s\nwant\n%s", g, w)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got\n%+v\nwant\n%+v", got, want)
	}
	return got
}

func rewrite(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func catService(id string, port int) string {
	return fmt.Sprintf("# %s\nservice %q {\n  socket_type = \"stream\"\n  port = %d\n  wait = false\n  server = \"/bin/cat\"\n  banner = \"./hello\"\n}\n\n", id, id, port)
}

// TestLoaderAfterEdits goes through the edits that people make, one after the other, and never gives anything but Load does.
func TestLoaderAfterEdits(t *testing.T) {
	dir := write(t, map[string]string{"superd.hcl": "", "hello": "hello\n"})
	path := filepath.Join(dir, "superd.hcl")
	a, b, c := catService("a", 7001), catService("b", 7002), catService("c", 7003)
	defaults := "defaults {\n  instances = 5\n}\n"
	var l Loader
	for i, text := range []string{
		a + b + c,
		a + b + c,
		"\n\n# a comment\n" + a + b + c, // everything moves
		a + strings.Replace(b, "7002", "7022", 1) + c, // one changes
		a + strings.Replace(b, "7002", "7001", 1) + c, // two want one port: places must be right
		a + b + b,            // one id twice
		"service {",          // broken
		c + a + b,            // and mended, in another order
		defaults + c + a + b, // what all inherit changes
		strings.Replace(defaults, "5", "6", 1) + c + a + b,         //
		c + a + b + strings.Replace(defaults, "inst", "per_s", 1),  // wrong
		c + a + b + "defaults {\n  disabled = [\"a\"]\n}\n",        // off from afar
		c + a + b + "defaults {\n  disabled = [\"a\", \"x\"]\n}\n", // a warning
		c + a + b, // on again
		c + strings.Replace(a, "wait", "disable = true\n  wait", 1), // off by itself
		c + strings.Replace(a, "/bin/cat", "/bin/no-such", 1),       // a warning of its own, each time
		c + strings.Replace(a, "/bin/cat", "/bin/no-such", 1),
		"superd {\n  grace = \"5s\"\n}\n" + c,
	} {
		rewrite(t, path, text)
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			same(t, &l, path, Options{})
			same(t, &l, path, Options{})
		})
	}
}

// TestLoaderKeeps: what has not changed is not made anew, wherever it stands now; what the options say counts.
func TestLoaderKeeps(t *testing.T) {
	dir := write(t, map[string]string{"superd.hcl": catService("a", 7001) + catService("b", 7002), "hello": "hello\n"})
	path := filepath.Join(dir, "superd.hcl")
	var l Loader
	first := same(t, &l, path, Options{})
	rewrite(t, path, catService("a", 7001)+catService("b", 7022))
	second := same(t, &l, path, Options{})
	if first.Services[0] != second.Services[0] || first.Services[1] == second.Services[1] {
		t.Error("a was made anew, or b was not")
	}
	if third := same(t, &l, path, Options{PortOffset: 10}); third.Services[0].Endpoints[0].Addr.Port() != 7011 {
		t.Error(third.Services[0])
	}
}

// TestLoaderAsksTheMachine: a service whose text is the same has changed when a file it names has.
func TestLoaderAsksTheMachine(t *testing.T) {
	dir := write(t, map[string]string{"superd.hcl": catService("a", 7001), "hello": "hello\n"})
	path := filepath.Join(dir, "superd.hcl")
	var l Loader
	same(t, &l, path, Options{})
	rewrite(t, filepath.Join(dir, "hello"), "good day\n")
	if c := same(t, &l, path, Options{}); string(c.Services[0].Banner) != "good day\n" {
		t.Errorf("%q", c.Services[0].Banner)
	}
	if err := os.Remove(filepath.Join(dir, "hello")); err != nil {
		t.Fatal(err)
	}
	same(t, &l, path, Options{}) // with a warning now
}

// TestLoaderForgets: the answers that services asked for which are gone are not kept for ever.
func TestLoaderForgets(t *testing.T) {
	dir := write(t, map[string]string{"superd.hcl": "", "hello": "hello\n"})
	path := filepath.Join(dir, "superd.hcl")
	var l Loader
	for i := range 200 {
		program := filepath.Join(dir, fmt.Sprint("program", i))
		if err := os.WriteFile(program, nil, 0o755); err != nil {
			t.Fatal(err)
		}
		rewrite(t, path, catService("a", 7001)+strings.Replace(catService("b", 7002), "/bin/cat", program, 1))
		same(t, &l, path, Options{})
	}
	if n := len(l.memory.machine.answers); n > 2*3*forgetful {
		t.Errorf("%d answers are kept for two services", n)
	}
}

// TestLoaderAtRandom shuffles, edits and breaks a configuration of several files.
func TestLoaderAtRandom(t *testing.T) {
	dir := write(t, map[string]string{"superd.hcl": "include = [\"conf.d/*.hcl\"]\n", "conf.d/0.hcl": "", "conf.d/1.hcl": "", "hello": "hello\n", "conf.d/hello": "hello\n"})
	path := filepath.Join(dir, "superd.hcl")
	random := rand.New(rand.NewPCG(1, 2))
	pieces := []string{"# only a comment\n", "\n", "defaults {\n  instances = 3\n}\n", "}\n", "service \"x\" {\n", "x = 1\n", "/* a\n", "b */\n"}
	for i := range 12 {
		pieces = append(pieces, catService(fmt.Sprint("s", i), 7000+i))
	}
	var l Loader
	for range 400 {
		var text strings.Builder
		for range random.IntN(5) {
			n := random.IntN(len(pieces))
			if random.IntN(8) > 0 {
				n = 8 + random.IntN(12)
			}
			text.WriteString(pieces[n])
		}
		rewrite(t, filepath.Join(dir, "conf.d", fmt.Sprintf("%d.hcl", random.IntN(2))), text.String())
		same(t, &l, path, Options{})
	}
}
