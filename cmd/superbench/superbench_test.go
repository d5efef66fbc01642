package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// superbench runs from its flags to its files: superd is built, started, loaded a little and stopped. Nothing is timed.
func TestSuperbench(t *testing.T) {
	if testing.Short() {
		t.Skip("builds superd")
	}
	file, folder := filepath.Join(t.TempDir(), "out.json"), t.TempDir()
	t.Setenv("TMPDIR", folder)
	var out bytes.Buffer
	if status := superbench([]string{"-run", "^(spawn|tcp-echo|udp-echo|tcp-daytime)$", "-servers", "^superd$", "-rounds", "2", "-count", "20", "-o", file}, &out); status != 0 {
		t.Fatalf("exit status %d\n%s", status, out.String())
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var r struct {
		Versions  map[string]string
		Scenarios []struct {
			Scenario string
			Servers  []struct {
				Server string
				Rounds []sample
			}
		}
	}
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Scenarios) != 4 || !strings.HasPrefix(r.Versions["superd"], "superd ") {
		t.Fatalf("%s", text)
	}
	for _, s := range r.Scenarios {
		if len(s.Servers) != 1 || len(s.Servers[0].Rounds) != 2 {
			t.Errorf("%s: %+v", s.Scenario, s.Servers)
			continue
		}
		for _, round := range s.Servers[0].Rounds {
			if round[failed] != 0 || round[peak] == 0 || round[threads] == 0 || round[p50] == 0 {
				t.Errorf("%s: %v", s.Scenario, round)
			}
		}
	}
	if leftover, _ := filepath.Glob(filepath.Join(folder, "superbench-*")); len(leftover) > 0 {
		t.Errorf("left behind: %v", leftover)
	}
}

func TestFlags(t *testing.T) {
	for _, c := range []struct {
		args   string
		status int
		says   string
	}{
		{"-list", 0, "udp-echo"},
		{"-help", 0, "-rounds"},
		{"-run nosuch", 2, "none of these"},
		{"-run (", 2, "missing closing"},
		{"-rounds 0", 2, "-rounds"},
		{"spawn", 2, "no flag"},
		{"-nosuch", 2, "not defined"},
		{"-run ^spawn$ -superd /dev/null", 1, "no program"},
	} {
		var out bytes.Buffer
		status := superbench(strings.Fields(c.args), &out)
		if status != c.status || !strings.Contains(out.String(), c.says) {
			t.Errorf("superbench %s: exit status %d, want %d with %q:\n%s", c.args, status, c.status, c.says, out.String())
		}
	}
}
