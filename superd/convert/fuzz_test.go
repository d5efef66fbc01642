package convert

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"superd/superd/config"
)

// The three fuzz targets: whatever a file holds, it converts without a crash to what superd check --portable takes and superd fmt leaves as it is,
// and every line of the result that came from the source names a line of it. What the parsers make of the source is looked at as well.

func FuzzXinetd(f *testing.F) {
	seed(f, "xinetd")
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, e := range first(parseXinetd(lines(text))) {
			for _, s := range e.lines {
				if s.name != strings.ToLower(s.name) || s.name != "" && s.bad == "" && s.op == "" {
					t.Errorf("a setting %+v", s)
				}
			}
		}
		fuzz(t, Xinetd, text)
	})
}

func FuzzInetd(f *testing.F) {
	seed(f, "inetd")
	f.Fuzz(func(t *testing.T, text []byte) {
		n := 0
		for _, e := range first(parseInetd(lines(text))) {
			n += len(e.lines)
		}
		if most := bytes.Count(text, []byte("\n")) + 1; n > most {
			t.Errorf("%d lines of entries, in a file of %d", n, most)
		}
		fuzz(t, Inetd, text)
	})
}

func FuzzSystemd(f *testing.F) {
	seed(f, "systemd")
	f.Add([]byte("[Socket]\nListenStream=[::1%eth0]:7\nAccept=yes\n[Service]\nExecStart=@/bin/x 'a b' \\x41 $$A ${B} %p\nEnvironment=\"B=c d\" E=\\u00e9\nLimitCPU=1min 3s\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		all, _ := parseUnit(lines(text))
		for _, a := range all {
			if a.key == "" && a.comment == "" && a.value == "" && !strings.Contains(a.text, "=") {
				t.Errorf("an assignment %+v", a)
			}
		}
		fuzz(t, Systemd, text)
	})
}

func first[A, B any](a A, _ B) A { return a }

func lines(text []byte) []line {
	r := &reader{d: new(draft)}
	return r.split("fuzz", text).lines
}

// seed takes the sources of the golden cases of a kind.
func seed(f *testing.F, kind string) {
	cases, _ := filepath.Glob("testdata/golden/" + kind + "_*.txtar")
	if len(cases) == 0 {
		f.Fatalf("no golden case of %s", kind)
	}
	for _, path := range cases {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		before, _, _ := bytes.Cut(text, []byte("-- out/"))
		for part := range bytes.SplitSeq(before, []byte("-- in/")) {
			if _, source, ok := bytes.Cut(part, []byte(" --\n")); ok {
				f.Add(source)
			}
		}
	}
}

func fuzz(t *testing.T, kind Kind, text []byte) {
	dir := t.TempDir()
	path := filepath.Join(dir, "fuzz.socket")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	// The service of a unit is the unit itself, so that both are fuzzed.
	for _, name := range []string{"fuzz.service", "fuzz@.service"} {
		if err := os.Link(path, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Contains(strings.ToLower(string(text)), "include") {
		t.Skip("what else lies on this machine is not converted")
	}
	r, err := Convert([]string{path}, Options{Kind: kind, Portable: true, Find: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	out := r.Files[0].Text
	formatted, diags := config.Format(out, mainName)
	if diags.HasErrors() || !bytes.Equal(formatted, out) {
		t.Errorf("not as superd fmt has it:\n%s", out)
	}
	to := filepath.Join(dir, mainName)
	if err := os.WriteFile(to, out, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, diags := config.Load(to, config.Options{Privileged: true, Portable: true}); diags.HasErrors() {
		var b bytes.Buffer
		_ = diags.Write(&b)
		t.Errorf("superd check --portable refuses\n%s\n%s", out, b.String())
	}
	most := bytes.Count(text, []byte("\n")) + 1
	for _, s := range r.Steps {
		if s.From.Line < 0 || s.From.Line > most || s.Line < 1 || s.Line > bytes.Count(out, []byte("\n")) {
			t.Errorf("a step %v of a file of %d lines", s, most)
		}
	}
	for _, m := range r.Remarks {
		if m.File == "" || m.Line > most {
			t.Errorf("a remark %v of a file of %d lines", m, most)
		}
	}
}
