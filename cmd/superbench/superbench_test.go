package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// result is the part of the JSON file that the tests look at.
type result struct {
	Versions  map[string]string
	Missing   []string
	Scenarios []struct {
		Scenario string
		Servers  []struct {
			Server string
			Rounds []sample
		}
	}
}

// play runs superbench from its flags to its files, with tiny loads, and removes what it leaves behind, which should be nothing.
func play(t *testing.T, args ...string) (r result) {
	t.Helper()
	folder, err := os.MkdirTemp("", "superbench-test-") // not t.TempDir, which user nobody cannot reach
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(folder)
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", folder)
	file := filepath.Join(folder, "out.json")
	var out bytes.Buffer
	if status := superbench(append(args, "-o", file), &out); status != 0 {
		t.Fatalf("exit status %d\n%s", status, out.String())
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(folder); len(left) != 2 || err != nil { // the JSON and the CSV
		t.Errorf("left behind: %v, %v", left, err)
	}
	for _, s := range r.Scenarios {
		if len(s.Servers) == 0 {
			t.Errorf("%s: nobody took part", s.Scenario)
		}
		for _, server := range s.Servers {
			if len(server.Rounds) == 0 {
				t.Errorf("%s: %s: no round", s.Scenario, server.Server)
			}
			for _, round := range server.Rounds {
				if round[failed] != 0 || round[peak] == 0 || round[threads] == 0 || round[p50] == 0 && s.Scenario != "idle" {
					t.Errorf("%s: %s: %v", s.Scenario, server.Server, round)
				}
			}
		}
	}
	return r
}

// superd is built, and does each scenario a little. Nothing is timed. many-services is left out, which takes 10,000 ports.
func TestSuperbench(t *testing.T) {
	if testing.Short() {
		t.Skip("builds superd")
	}
	names := []string{
		"spawn", "spawn-shell", "spawn-sandboxed", "tcp-daytime", "tcp-echo", "udp-echo", "wait-dgram",
		"denied-flood", "many-children", "reload", "idle",
	}
	if _, err := exec.LookPath("gcc"); err != nil { // then there is no program for it
		names = slices.DeleteFunc(names, func(name string) bool { return name == "wait-dgram" })
	}
	r := play(t, "-run", "^("+strings.Join(names, "|")+")$", "-servers", "^superd$", "-rounds", "1", "-count", "20", "-limit", "2s")
	if len(r.Scenarios) != len(names) || !strings.HasPrefix(r.Versions[superdName], "superd ") {
		t.Errorf("%+v", r)
	}
	for _, s := range r.Scenarios {
		round := s.Servers[0].Rounds[0]
		for _, m := range map[string][]string{
			"denied-flood": {denials, quietP99}, "many-children": {live}, "reload": {reloaded, longest}, "idle": {rss},
		}[s.Scenario] {
			if round[m] <= 0 {
				t.Errorf("%s: %s is %v", s.Scenario, m, round[m])
			}
		}
	}
}

// A binary of superd that is there already is measured as well as one that is built.
func TestGivenBinary(t *testing.T) {
	if testing.Short() {
		t.Skip("builds superd")
	}
	binary := filepath.Join(t.TempDir(), "superd")
	if out, err := exec.Command("go", "build", "-o", binary, "superd/cmd/superd").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	r := play(t, "-superd", binary, "-run", "^per-source-flood$", "-servers", "^superd$", "-rounds", "2", "-count", "50")
	if rounds := r.Scenarios[0].Servers[0].Rounds; len(rounds) != 2 || rounds[1][rss] <= 0 {
		t.Errorf("%+v", rounds)
	}
}

// Each peer that is here does what it can. With SUPERD_E2E=1 all must be here.
func TestPeers(t *testing.T) {
	if testing.Short() {
		t.Skip("builds superd")
	}
	strict := os.Getenv("SUPERD_E2E") == "1"
	if os.Geteuid() != 0 && !strict {
		t.Skip("needs root: the inetds' builtins have ports below 1024")
	}
	any := slices.ContainsFunc(contenders(), func(c *contender) bool { return c.File != "" && c.find(peersFolder()) })
	if !any && !strict {
		t.Skip("no other super-server here: run packaging/unpack-peers.sh")
	}
	r := play(t, "-run", "^(spawn|tcp-daytime)$", "-rounds", "2", "-count", "10")
	if strict && len(r.Missing) > 0 {
		t.Errorf("missing: %v; run packaging/unpack-peers.sh", r.Missing)
	}
	if n := len(r.Scenarios[0].Servers); n < 2 || strict && n != 9 {
		t.Errorf("spawn had %d servers", n)
	}
}

// An interrupt leaves no server and no folder behind.
func TestInterrupt(t *testing.T) {
	if testing.Short() {
		t.Skip("builds superd")
	}
	dir, folder := t.TempDir(), t.TempDir()
	for _, name := range []string{"superd", "superbench"} {
		if out, err := exec.Command("go", "build", "-o", filepath.Join(dir, name), "superd/cmd/"+name).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	c := exec.Command(filepath.Join(dir, "superbench"), "-superd", filepath.Join(dir, "superd"), "-run", "^tcp-daytime$", "-servers", "^superd$", "-rounds", "1000000")
	c.Env = append(os.Environ(), "TMPDIR="+folder)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Process.Kill() }()
	log := filepath.Join(folder, "superbench-*", "server-1", "connections.log")
	if _, err := poll(startPatience, func() (struct{}, error) {
		if found, _ := filepath.Glob(log); len(found) == 0 {
			return struct{}{}, errors.New("it does not begin")
		}
		return struct{}{}, nil
	}); err != nil {
		t.Fatal(err)
	}
	var servers []string
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", c.Process.Pid))
	for _, file := range tasks {
		text, _ := os.ReadFile(file)
		servers = append(servers, strings.Fields(string(text))...)
	}
	if len(servers) != 1 {
		t.Errorf("children: %v", servers)
	}
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); c.ProcessState.ExitCode() != 1 {
		t.Errorf("it ended with %v", err)
	}
	if left, err := os.ReadDir(folder); len(left) > 0 || err != nil {
		t.Errorf("left behind: %v, %v", left, err)
	}
	for _, pid := range servers {
		if _, err := poll(10*time.Second, func() (struct{}, error) {
			command, _ := os.ReadFile("/proc/" + pid + "/cmdline")
			if strings.Contains(string(command), folder) {
				return struct{}{}, fmt.Errorf("still there: %q", command)
			}
			return struct{}{}, nil
		}); err != nil {
			t.Error(err)
		}
	}
}

// What a server loses or gets wrong ends in exit status 1 and is named.
func TestTrouble(t *testing.T) {
	var out bytes.Buffer
	b := &bench{out: &out}
	o := outcome{Done: 7, Failed: map[string]int{"not what was sent": 1, "no answer in 1s": 2}}
	b.problem("udp-echo: x: %s", o.trouble())
	if status := b.verdict(); status != 1 || !strings.Contains(out.String(), "udp-echo: x: 3 of 10 failed: 2 × no answer in 1s, 1 × not what was sent") {
		t.Errorf("%d: %s", status, out.String())
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
