package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// TestAllFilesInOneRun: problems of several files come together, in the order of files and lines.
func TestAllFilesInOneRun(t *testing.T) {
	dir := write(t, map[string]string{
		"superd.hcl":   "include = [\"conf.d/*.hcl\"]\ndefaults {\n cps = 5\n instances = true\n}\n",
		"conf.d/a.hcl": "service \"ftp\" {\n user = \"root\n}\n",
		"conf.d/b.hcl": service("echo") + "service \"daytme\" {\n type = \"INTERNAL\"\n socket_type = \"stream\"\n port = 5\n}\n",
	})
	_, d := Load(filepath.Join(dir, "superd.hcl"), Options{})
	var got []string
	for _, p := range d.Problems() {
		got = append(got, fmt.Sprintf("%s:%d", filepath.Base(p.File), p.Line))
	}
	if want := "superd.hcl:3 superd.hcl:4 a.hcl:2 b.hcl:5"; strings.Join(got, " ") != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestDiagnosticsAreBounded: ten thousand bad services give a page, and a number.
func TestDiagnosticsAreBounded(t *testing.T) {
	var b strings.Builder
	for i := range 12_000 {
		fmt.Fprintf(&b, "service \"s%d\" {\n bad = 1\n disable = true\n}\n", i)
	}
	_, d := loadText(t, b.String(), Options{})
	if d.Len() != 12_000 || len(d.Problems()) != maxKept {
		t.Errorf("%d problems, %d kept", d.Len(), len(d.Problems()))
	}
	out := printed(t, d)
	if n := strings.Count(out, "Unknown attribute"); n != maxPrinted || !strings.HasSuffix(out, "… and 11900 more\n") {
		t.Errorf("%d printed", n)
	}
	var buf bytes.Buffer
	if err := d.JSON(&buf); err != nil {
		t.Fatal(err)
	}
	var v struct {
		Errors, Omitted int
		Problems        []Problem
	}
	if err := json.Unmarshal(buf.Bytes(), &v); err != nil {
		t.Fatal(err)
	}
	if v.Errors != 12_000 || v.Omitted != 11_900 || len(v.Problems) != maxPrinted || v.Problems[0].Line != 2 {
		t.Errorf("%d errors, %d omitted, %d shown", v.Errors, v.Omitted, len(v.Problems))
	}
}

// TestSaidOnce: what is wrong in defaults is not repeated for each service.
func TestSaidOnce(t *testing.T) {
	c, d := loadText(t, "defaults {\n banner = \"/nonexistent\"\n}\n"+service("echo")+service("time"), Options{})
	if c == nil {
		t.Fatal(printed(t, d))
	}
	wantProblem(t, d, Warning, "No banner", "superd.hcl:2,")
}

func TestEmptyJSON(t *testing.T) {
	_, d := loadText(t, "", Options{})
	var b bytes.Buffer
	if err := d.JSON(&b); err != nil || !strings.Contains(b.String(), `"problems": []`) {
		t.Errorf("%v %s", err, &b)
	}
}

// TestPrintable: nothing of a file reaches a terminal as a control sequence.
func TestPrintable(t *testing.T) {
	_, d := loadText(t, "service \"a\" {\n flags = [\"\x1b[31m\u0007\"]\n \x1b = 1\n}\n# \x1b\n", Options{})
	if out := printed(t, d); d.Len() == 0 || strings.ContainsAny(out, "\x1b\a") {
		t.Errorf("%q", out)
	}
	for _, p := range d.Problems() {
		if strings.ContainsAny(p.String(), "\x1b\a\n") {
			t.Errorf("%q", p.String())
		}
	}
}

// TestDeepNesting: a file of brackets or operators is refused before it can exhaust the parser's stack.
func TestDeepNesting(t *testing.T) {
	for _, piece := range []string{"(", "[", "!", "-", "- ", "a?", "{a=", `"${`, "f(", "[\n", "(\n-", "(\n!", `(")",`, "(/*)*/", "a {\n", "<<E\n${", "(#)\n"} {
		_, d := loadText(t, "a = "+strings.Repeat(piece, 1000), Options{})
		wantProblem(t, d, Error, "Nested too deep")
	}
	if _, ok := split([]byte(strings.Repeat(service("echo"), 500)), afterBlocks); !ok {
		t.Error("services one after the other count as nested")
	}
}

// TestChunks: the places of a large file are right in all its parts, and a part is not a file.
func TestChunks(t *testing.T) {
	var b strings.Builder
	b.WriteString("include = [\"*.none\"]\n")
	for b.Len() < 24<<10 {
		fmt.Fprintf(&b, "service \"s%d\" { # {{{ \" (\n disable = true\n}\n", b.Len())
	}
	lines := strings.Count(b.String(), "\n")
	b.WriteString("superd {\n  wacht = true\n}\n")
	_, d := loadText(t, b.String(), Options{})
	wantProblem(t, d, Error, fmt.Sprintf("superd.hcl:%d,3-8", lines+2), "watch")
	_, d = loadText(t, b.String()+"include = []\n", Options{})
	if d.Len() != 2 {
		t.Error(printed(t, d))
	}
}

func TestFormat(t *testing.T) {
	src := "service \"a\" { # why\n wait=false\n   socket_type   = \"stream\"\n}\n"
	want := "service \"a\" { # why\n  wait        = false\n  socket_type = \"stream\"\n}\n"
	got, d := Format([]byte(src), "a.hcl")
	if string(got) != want || d.Len() > 0 {
		t.Errorf("%s", got)
	}
	broken := []byte("service \"a\" {\n wait=\n")
	if got, d := Format(broken, "a.hcl"); !bytes.Equal(got, broken) || !d.HasErrors() {
		t.Errorf("%s", got)
	}
	if got, d := Format(nil, "a.hcl"); len(got) > 0 || d.Len() > 0 {
		t.Errorf("%q", got)
	}
}

// FuzzFormat: what comes out is formatted, and means the same.
func FuzzFormat(f *testing.F) {
	f.Add([]byte("service \"a\" {\n wait=false\n}\n"))
	f.Add([]byte("a=<<E\n x\nE\n"))
	f.Add([]byte("a=[1,\r\n2]\r\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		if len(src) > 1<<16 {
			return
		}
		once, d := Format(src, "a.hcl")
		if d.HasErrors() {
			if !bytes.Equal(once, src) {
				t.Fatal("changed a file with errors")
			}
			return
		}
		if _, d := Format(once, "a.hcl"); d.HasErrors() {
			t.Fatalf("damaged: %q", once)
		}
	})
}

// FuzzLoad: no text makes the loader hang or panic; what it accepts keeps the promises of config.go.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(service("echo")))
	f.Add([]byte("defaults {\n cps = [1, \"2s\"]\n only_from = [\"10.{1,2}\"]\n}\n"))
	f.Add([]byte("service \"x\" {\n type = \"UNLISTED\"\n port = \"7-9\"\n bind = \"lo\"\n protocol = \"udp\"\n wait = true\n server = \"/x\"\n}\n"))
	f.Add([]byte("include = [\"*\"]\n"))
	f.Add([]byte("superd {\n grace = 1e99\n}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 1<<16 || bytes.Contains(text, []byte("include")) {
			return
		}
		l := newLoader(Options{Portable: true})
		l.add(&source{name: "fuzz.hcl", abs: "/nonexistent/fuzz.hcl", text: text})
		c := l.build()
		l.diags.finish()
		out := printed(t, l.diags)
		if strings.ContainsRune(out, 0x1b) {
			t.Fatalf("%q", out)
		}
		if l.diags.HasErrors() {
			return
		}
		for _, s := range c.Services {
			if s.ID == "" || s.Limits.Instances < Unlimited || s.Grace < 0 || s.MaxLifetime < 0 {
				t.Fatalf("%+v", s)
			}
			for _, e := range s.Endpoints {
				if !e.Addr.IsValid() || e.Addr.Port() == 0 || e.SocketType != s.SocketType {
					t.Fatalf("%+v", e)
				}
			}
		}
	})
}
