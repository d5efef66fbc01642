package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// The differential test puts one scenario to the real xinetd and to superd, whose configuration `superd convert` makes of
// xinetd's, and compares what clients see, what programs get and what the log says. A scenario is a file of
// differential/:
//
//	text that says what it is about
//	-- xinetd.conf --     with $DIR, the scenario's folder, and $PROBE, the program of differential/probe.c
//	-- script --          steps, one a line (differential_steps_test.go)
//	-- differs --         the lines that differ: "REASON:", then "- what xinetd says" and "+ what superd says";
//	                      with -? and +? what it says now and then
//
// and any other files, made in $DIR; etc/hosts.allow and etc/hosts.deny are the machine's. In differs, * stands for
// anything. Each reason is explained in differential/reasons. A difference that is not listed fails, and so does a
// listed one that is not there.

func TestDifferential(t *testing.T) {
	needRoot(t)
	xinetd := needUnpacked(t, "xinetd/usr/sbin/xinetd")
	superd, err := superdBinary()
	if err != nil {
		t.Fatal(err)
	}
	for _, program := range []string{"rpcbind", "rpcinfo", "rpc.rusersd", "rpc.rstatd"} {
		need(t, program)
	}
	probe := buildProbe(t)
	reasons := readReasons(t)
	files, _ := filepath.Glob("differential/*.txt")
	used := struct {
		sync.Mutex
		reasons map[string]bool
	}{reasons: map[string]bool{}}
	t.Run("scenarios", func(t *testing.T) {
		for _, file := range files {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
				t.Parallel()
				s := readScenario(t, file, probe)
				var outcomes [2][]string
				var both sync.WaitGroup
				for i, d := range []server{xinetdServer(xinetd), superdServer(superd)} {
					both.Go(func() { outcomes[i] = s.play(t, d) })
				}
				both.Wait()
				if t.Failed() {
					return
				}
				for _, reason := range s.judge(t, outcomes[0], outcomes[1]) {
					if reasons[reason] == "" {
						t.Errorf("the reason %q is not explained in differential/reasons", reason)
					}
					used.Lock()
					used.reasons[reason] = true
					used.Unlock()
				}
			})
		}
	})
	if len(files) < 60 {
		t.Errorf("only %d scenarios", len(files))
	}
	for reason := range reasons {
		if !used.reasons[reason] && !t.Failed() && filtered() == "" {
			t.Errorf("no scenario has the reason %q any more", reason)
		}
	}
}

// filtered is the part of -run that chooses scenarios.
func filtered() string {
	for _, arg := range os.Args {
		if _, after, ok := strings.Cut(arg, "TestDifferential/"); ok {
			return after
		}
	}
	return ""
}

// buildProbe compiles the program that tells what it got.
func buildProbe(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil { // it runs as other users, too
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "probe")
	client(t, need(t, "gcc"), "-O2", "-w", "-o", path, "differential/probe.c")
	return path
}

var reasonLine = regexp.MustCompile(`(?m)^([a-z0-9-]+): (.+)$`)

func readReasons(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("differential/reasons")
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[string]string{}
	for _, m := range reasonLine.FindAllStringSubmatch(string(text), -1) {
		reasons[m[1]] = m[2]
	}
	return reasons
}

// scenario is one file.
type scenario struct {
	name    string
	probe   string
	script  []string
	files   []txtar.File
	differs []difference
}

// difference is a line that only one of the two says, for a reason. Its pattern is used up when it has matched.
type difference struct {
	reason  string
	sign    byte // '-': xinetd's, '+': superd's
	pattern *regexp.Regexp
	text    string
	now     bool // and then: it need not be there
	used    bool
}

func readScenario(t *testing.T, file, probe string) *scenario {
	t.Helper()
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(bytes.TrimSpace(a.Comment)) == 0 {
		t.Errorf("%s does not say what it is about", file)
	}
	s := &scenario{name: filepath.Base(file), probe: probe}
	for _, f := range a.Files {
		switch f.Name {
		case "script":
			for line := range strings.Lines(string(f.Data)) {
				if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
					s.script = append(s.script, line)
				}
			}
		case "differs":
			s.differs = readDiffers(t, string(f.Data))
		default:
			s.files = append(s.files, f)
		}
	}
	return s
}

func readDiffers(t *testing.T, text string) []difference {
	t.Helper()
	var all []difference
	reason := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#"):
		case strings.HasSuffix(line, ":") && line[0] != '-' && line[0] != '+':
			reason = strings.TrimSuffix(line, ":")
		case len(line) > 2 && (line[0] == '-' || line[0] == '+') && reason != "":
			said, now := strings.CutPrefix(line[1:], "? ")
			if !now {
				said = line[2:]
			}
			pattern := strings.ReplaceAll(regexp.QuoteMeta(said), `\*`, `.*`)
			all = append(all, difference{reason: reason, sign: line[0], pattern: regexp.MustCompile("^" + pattern + "$"), text: line, now: now})
		default:
			t.Errorf("differs: %q is no line of it", line)
		}
	}
	return all
}

// judge compares the two outcomes and returns the reasons for what differs. What is not excused is an error of the test.
func (s *scenario) judge(t *testing.T, theirs, ours []string) (reasons []string) {
	t.Helper()
	failed := false
	for _, line := range diffLines(theirs, ours) {
		if line[0] == ' ' {
			continue
		}
		if r := s.excuse(line); r != "" {
			reasons = append(reasons, r)
			continue
		}
		failed = true
		t.Errorf("differs: %s", line)
	}
	for _, d := range s.differs {
		if !d.used && !d.now {
			failed = true
			t.Errorf("there is no such difference any more: %s: %s", d.reason, d.text)
		}
	}
	if failed {
		t.Logf("-xinetd +superd\n%s", strings.Join(diffLines(theirs, ours), "\n"))
	}
	return reasons
}

func (s *scenario) excuse(line string) string {
	for i := range s.differs {
		d := &s.differs[i]
		if !d.used && d.sign == line[0] && d.pattern.MatchString(line[2:]) {
			d.used = true
			return d.reason
		}
	}
	return ""
}

// diffLines are both texts, line by line: "- " before what only a has, "+ " before what only b has, "  " before the rest.
func diffLines(a, b []string) []string {
	common := make([][]int, len(a)+1) // common[i][j]: lines that a[i:] and b[j:] have in common
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var out []string
	for i, j := 0, 0; i < len(a) || j < len(b); {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			out = append(out, "  "+a[i])
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			out = append(out, "- "+a[i])
			i++
		default:
			out = append(out, "+ "+b[j])
			j++
		}
	}
	return out
}

// server is one of the two.
type server struct {
	name     string
	ready    *regexp.Regexp // in what it says
	reloaded *regexp.Regexp
	prepare  func(s *stage, conf string) error    // puts a configuration into force for the next start or HUP
	command  func(s *stage) (*exec.Cmd, []string) // and the environment beyond the common one
}

func xinetdServer(path string) server {
	return server{
		name:     "xinetd",
		ready:    regexp.MustCompile(`Started working: `),
		reloaded: regexp.MustCompile(`Reconfigured: |econfiguration failed|Exiting`),
		prepare:  func(s *stage, conf string) error { return s.write("in-force.conf", conf) },
		command: func(s *stage) (*exec.Cmd, []string) {
			return exec.Command(path, "-dontfork", "-f", s.path("in-force.conf"), "-filelog", s.path("daemon.log"), "-pidfile", s.path("pid")), nil
		},
	}
}

// superdServer converts what xinetd reads, and adds nothing but the form of the log and where the daemon's own goes.
func superdServer(path string) server {
	return server{
		name:     "superd",
		ready:    regexp.MustCompile(`\bREADY\b`),
		reloaded: regexp.MustCompile(`\bRELOAD(-FAILED)? `),
		prepare: func(s *stage, conf string) error {
			if err := s.write("in-force.conf", conf); err != nil {
				return err
			}
			out, err := exec.Command(path, "convert", "xinetd", s.path("in-force.conf")).Output()
			if err != nil {
				return fmt.Errorf("superd convert: %w", err)
			}
			text := strings.Replace(string(out), "defaults {", "defaults {\n  log_format = \"xinetd\"", 1)
			return s.write("superd.hcl", text+"\nsuperd {\n  log_type = \"FILE "+s.path("daemon.log")+"\"\n  state = \""+s.path("state")+"\"\n  control = \"none\"\n}\n")
		},
		command: func(s *stage) (*exec.Cmd, []string) {
			return exec.Command(path, "run", "-c", s.path("superd.hcl")), nil
		},
	}
}
