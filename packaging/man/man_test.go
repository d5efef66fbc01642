package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"superd/superd/admit"
	"superd/superd/config"
	"superd/superd/event"
)

// TestPagesAreCurrent: what is checked in is what the tables say.
func TestPagesAreCurrent(t *testing.T) {
	for _, page := range pages {
		want, err := generate(page)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%s is stale: go generate ./packaging/man", page)
		}
	}
}

// TestEverythingHasItsPlace looks for each row in the page that is checked in, not in what generates it.
func TestEverythingHasItsPlace(t *testing.T) {
	hcl, events := read(t, "superd.hcl.5"), read(t, "superd-events.7")
	place := func(page, name, word string) {
		t.Helper()
		if !strings.Contains(page, "\n.It Ic \""+word+"\"\n") {
			t.Errorf("%s does not describe %s", name, word)
		}
	}
	for _, a := range config.Attributes {
		place(hcl, "superd.hcl.5", a.Name)
	}
	for _, e := range event.Table() {
		place(events, "superd-events.7", e.Name)
		if !strings.Contains(events, "] "+e.Name) {
			t.Errorf("superd-events.7 has no example of %s", e.Name)
		}
	}
	for _, k := range event.Keys() {
		place(events, "superd-events.7", k.Name)
	}
	for v := admit.OK + 1; v < admit.Verdicts; v++ {
		place(events, "superd-events.7", v.String())
		if v.Doc() == "" {
			t.Errorf("superd/admit/describe.go does not say what the verdict %s means", v)
		}
	}
}

var unknownReference = regexp.MustCompile(`STYLE: referenced manual not found: Xr (\S+) (\d)`)

// TestMandocHasNoComplaint: every page is clean, and every page of superd that one refers to is there. Pages of other
// packages need not be installed.
func TestMandocHasNoComplaint(t *testing.T) {
	mandoc, err := exec.LookPath("mandoc")
	if err != nil {
		if os.Getenv("SUPERD_E2E") == "1" {
			t.Fatal("install mandoc (packaging/install-test-programs.sh)")
		}
		t.Skip("install mandoc (packaging/install-test-programs.sh)")
	}
	all, err := filepath.Glob("*.[1-9]")
	if err != nil || len(all) < 3 {
		t.Fatalf("pages: %q, %v", all, err)
	}
	for _, page := range all {
		out, _ := exec.Command(mandoc, "-Tlint", "-Wstyle", page).CombinedOutput() // its status is not 0 for an unknown reference either
		for line := range strings.Lines(string(out)) {
			if m := unknownReference.FindStringSubmatch(line); m != nil {
				if _, err := os.Stat(m[1] + "." + m[2]); err == nil || !strings.HasPrefix(m[1], "superd") {
					continue
				}
			}
			if !strings.Contains(line, "outdated mandoc.db") {
				t.Errorf("%s", line)
			}
		}
	}
}

func TestMdoc(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"One. Two", "One.\nTwo.\n"},
		{".hidden", "\\&.hidden.\n"},
		{`a\b 'c'`, "a\\eb \\(aqc\\(aq.\n"},
		{strings.Repeat("word ", 20), strings.Repeat("word ", 14) + "word\nword word word word word.\n"},
	} {
		var m mdoc
		m.sentences(strings.TrimSpace(c.text))
		if got := strings.ReplaceAll(m.String(), " \n", "\n"); got != c.want {
			t.Errorf("%q becomes %q, not %q", c.text, got, c.want)
		}
	}
	if got := argument(`say "No"`); got != `"say \(dqNo\(dq"` {
		t.Errorf("argument: %s", got)
	}
}

func read(t *testing.T, page string) string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
