package convert

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/rogpeppe/go-internal/txtar"

	"superd/superd/config"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The files of testdata/golden/NAME.txtar are a case: a comment, whose line "convert: [KIND] [-o] PATH…" says what is converted, the files
// that it is converted from, below "in/", and, as TestGolden wrote them with -update, what comes of it: "out/…" is the result, "warnings"
// the remarks, and "explain", if it is there, the steps.
func TestGolden(t *testing.T) {
	cases, _ := filepath.Glob("testdata/golden/*.txtar")
	if len(cases) < 10 {
		t.Fatalf("only %d cases", len(cases))
	}
	for _, path := range cases {
		t.Run(filepath.Base(path), func(t *testing.T) { golden(t, path) })
	}
}

func golden(t *testing.T, path string) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	wantsSteps := false
	var given []txtar.File
	for _, f := range archive.Files {
		if f.Name == "explain" {
			wantsSteps = true
		}
		if !strings.HasPrefix(f.Name, "in/") {
			continue
		}
		given = append(given, f)
		file := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, bytes.ReplaceAll(f.Data, []byte("$DIR"), []byte(dir+"/in")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	result := convertCase(t, string(archive.Comment), dir)
	hide := func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(dir+"/in"), []byte("$DIR")) }
	got := &txtar.Archive{Comment: archive.Comment, Files: given}
	for _, f := range result.Files {
		got.Files = append(got.Files, txtar.File{Name: "out/" + f.Name, Data: hide(f.Text)})
	}
	var remarks, explained bytes.Buffer
	for _, r := range result.Remarks {
		fmt.Fprintln(&remarks, r)
	}
	for _, s := range result.Steps {
		fmt.Fprintln(&explained, s)
	}
	got.Files = append(got.Files, txtar.File{Name: "warnings", Data: hide(remarks.Bytes())})
	if wantsSteps {
		got.Files = append(got.Files, txtar.File{Name: "explain", Data: hide(explained.Bytes())})
	}
	passes(t, result)
	if *update {
		if err := os.WriteFile(path, txtar.Format(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := diff.Diff(path, txtar.Format(archive), "now", txtar.Format(got)); len(d) > 0 {
		t.Errorf("%s", d)
	}
}

// convertCase runs the conversion that a case's comment asks for.
func convertCase(t *testing.T, comment, dir string) *Result {
	t.Helper()
	o := Options{Portable: true, Find: func(name string) string { return map[string]string{"cat": "/usr/bin/cat"}[name] }}
	var paths []string
	for l := range strings.Lines(comment) {
		rest, ok := strings.CutPrefix(l, "convert: ")
		if !ok {
			continue
		}
		for _, w := range strings.Fields(rest) {
			if kind, ok := ParseKind(w); ok {
				o.Kind = kind
			} else if w == "-o" {
				o.Apart = true
			} else {
				paths = append(paths, filepath.Join(dir, "in", w))
			}
		}
	}
	result, err := Convert(paths, o)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// anotherMain is a superd.hcl whose defaults must not reach services that were converted.
const anotherMain = `
defaults {
  instances  = 1
  per_source = 1
  cps        = [1, 1]
}
include = ["*.hcl"]
`

// passes checks what holds of every result: superd check --portable takes it, and superd fmt leaves it as it is.
func passes(t *testing.T, r *Result) *config.Config {
	t.Helper()
	dir := t.TempDir()
	for _, f := range r.Files {
		if err := os.WriteFile(filepath.Join(dir, f.Name), f.Text, 0o644); err != nil {
			t.Fatal(err)
		}
		formatted, diags := config.Format(f.Text, f.Name)
		if diags.HasErrors() || !bytes.Equal(formatted, f.Text) {
			t.Errorf("%s is not as superd fmt has it:\n%s", f.Name, f.Text)
		}
		if len(f.rows) != bytes.Count(f.Text, []byte("\n")) {
			t.Errorf("%s has %d lines, and %d rows are known", f.Name, bytes.Count(f.Text, []byte("\n")), len(f.rows))
		}
	}
	if len(r.Files) == 0 || r.Files[0].Name != mainName { // for a folder that another superd.hcl includes
		if err := os.WriteFile(filepath.Join(dir, mainName), []byte(anotherMain), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c, diags := config.Load(filepath.Join(dir, mainName), config.Options{Privileged: true, Portable: true})
	if diags.HasErrors() {
		var b bytes.Buffer
		_ = diags.Write(&b)
		t.Errorf("superd check --portable refuses the result:\n%s", b.String())
	}
	return c
}
