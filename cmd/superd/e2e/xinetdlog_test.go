package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// logScenario is one service, written for xinetd and for superd, and what a client does to it. xinetd's own lines are the
// oracle: superd's must be the same but for what differs says.
type logScenario struct {
	name        string
	xinetd, hcl string // attributes beyond those that all have
	visit       func(addr string) error
	lines       int                           // that xinetd writes about it
	differs     string                        // why superd does not write the same
	fromXinetd  func(lines []string) []string // what superd should write instead; nil: the same
}

func says(text string) func(string) error {
	return func(addr string) error { _, err := talk(addr, text); return ignoreReset(err) }
}

// ignoreReset: a refusal may arrive as a reset; what counts here is the log.
func ignoreReset(err error) error {
	if _, ok := err.(*net.OpError); ok {
		return nil
	}
	return err
}

const (
	catX = "server = /bin/cat"
	catH = `server = "/bin/cat"`
)

// withoutStart is for what superd decides before the fork, so that it is neither started nor ended.
func withoutStart(lines []string) []string {
	return slices.DeleteFunc(slices.Clone(lines), func(l string) bool {
		return strings.Contains(l, ": START: ") || strings.Contains(l, ": EXIT: ")
	})
}

var logScenarios = []logScenario{
	{name: "cat", xinetd: catX, hcl: catH, visit: says("hello"), lines: 2},
	{name: "status", xinetd: "server = /bin/sh\n\tserver_args = $DIR/exit3", hcl: `server = "/bin/sh"` + "\n" + `server_args = ["$DIR/exit3"]`, visit: says("x"), lines: 2},
	{name: "signal", xinetd: "server = /bin/sh\n\tserver_args = $DIR/segv", hcl: `server = "/bin/sh"` + "\n" + `server_args = ["$DIR/segv"]`, visit: says("x"), lines: 2},
	{name: "slow", xinetd: "server = /bin/sleep\n\tserver_args = 2", hcl: `server = "/bin/sleep"` + "\n" + `server_args = ["2"]`, visit: says("x"), lines: 2},
	{name: "pid-only", xinetd: catX + "\n\tlog_on_success = PID", hcl: catH + "\nlog_on_success = [\"PID\"]", visit: says("x"), lines: 1},
	{name: "host-only", xinetd: catX + "\n\tlog_on_success = HOST", hcl: catH + "\nlog_on_success = [\"HOST\"]", visit: says("x"), lines: 1},
	{name: "exit-only", xinetd: catX + "\n\tlog_on_success = EXIT", hcl: catH + "\nlog_on_success = [\"EXIT\"]", visit: says("x"), lines: 2},
	{name: "duration-only", xinetd: catX + "\n\tlog_on_success = DURATION", hcl: catH + "\nlog_on_success = [\"DURATION\"]", visit: says("x"), lines: 2},
	{name: "nothing", xinetd: catX + "\n\tlog_on_success =", hcl: catH + "\nlog_on_success = []", visit: says("x"), lines: 0},
	{name: "time", xinetd: catX + "\n\taccess_times = $CLOSED", hcl: catH + "\naccess_times = [\"$CLOSED\"]", visit: says("x"), lines: 1},
	{name: "full", xinetd: catX + "\n\tinstances = 1", hcl: catH + "\ninstances = 1", visit: twoAtOnce, lines: 3},
	{name: "per-source", xinetd: catX + "\n\tper_source = 1", hcl: catH + "\nper_source = 1", visit: twoAtOnce, lines: 3},
	{name: "fail-attempt", xinetd: catX + "\n\taccess_times = $CLOSED\n\tlog_on_failure = ATTEMPT", hcl: catH + "\naccess_times = [\"$CLOSED\"]\nlog_on_failure = [\"ATTEMPT\"]", visit: says("x"), lines: 1},
	{name: "fail-nothing", xinetd: catX + "\n\taccess_times = $CLOSED\n\tlog_on_failure =", hcl: catH + "\naccess_times = [\"$CLOSED\"]\nlog_on_failure = []", visit: says("x"), lines: 0},
	{name: "address", xinetd: catX + "\n\tno_access = 127.0.0.1", hcl: catH + "\nno_access = [\"127.0.0.1\"]", visit: says("x"), lines: 3,
		differs: "a denied client costs no fork, so there is neither START nor EXIT", fromXinetd: withoutStart},
	{name: "daytime", xinetd: "type = INTERNAL UNLISTED", hcl: `type = ["INTERNAL", "UNLISTED"]`, visit: says("x"), lines: 1},
	{name: "traffic", xinetd: "redirect = $ADDR $TARGET\n\tlog_on_success += TRAFFIC", hcl: "redirect = [\"$ADDR\", $TARGET]\nlog_on_success = [\"PID\", \"HOST\", \"EXIT\", \"DURATION\", \"TRAFFIC\"]", visit: says("hello"), lines: 3,
		differs: "superd redirects without a process, so pid is 0 and there is no EXIT; xinetd loses what the target still says when the client has ended its side",
		fromXinetd: func(lines []string) []string {
			return []string{replaceIn(find(lines, "START"), `pid=N`, "pid=0"), replaceIn(find(lines, "TRAFFIC"), `out=\d+`, "out=5")}
		}},
}

func twoAtOnce(addr string) error {
	first, err := dial(addr)
	if err != nil {
		return err
	}
	defer first.Close()
	if _, err := first.Write([]byte("x")); err != nil {
		return err
	}
	if _, err := first.Read(make([]byte, 1)); err != nil { // it is being served
		return err
	}
	_, err = talk(addr, "x")
	return ignoreReset(err)
}

func find(lines []string, word string) string {
	for _, l := range lines {
		if strings.Contains(l, ": "+word+": ") {
			return l
		}
	}
	return "no " + word
}

func replaceIn(line, pattern, by string) string {
	return regexp.MustCompile(pattern).ReplaceAllString(line, by)
}

// TestXinetdsLog: the real xinetd and superd are visited in the same way, and write the same lines into files of their own,
// byte for byte but for times and process ids.
func TestXinetdsLog(t *testing.T) {
	needRoot(t)
	xinetd := needUnpacked(t, "xinetd/usr/sbin/xinetd")
	s := newSite(t)
	s.write("exit3", "exit 3\n")
	s.write("segv", "kill -SEGV $$\n")
	now := time.Now()
	closed := now.Add(2*time.Hour).Format("15:04") + "-" + now.Add(2*time.Hour+time.Minute).Format("15:04")
	if now.Add(2*time.Hour+time.Minute).Day() != now.Day() && now.Add(2*time.Hour).Day() == now.Day() {
		closed = "01:00-01:01" // xinetd knows no window over midnight
	}
	const theirs, ours, target = 7100, 7200, 7300
	fill := func(text string) string {
		return strings.NewReplacer("$CLOSED", closed, "$TARGET", fmt.Sprint(target)).Replace(text)
	}
	conf := "defaults\n{\n\tlog_on_success = PID HOST EXIT DURATION\n\tlog_on_failure = HOST\n\tcps = 0 0\n\tbind = $ADDR\n}\n"
	hcl := "defaults {\n  bind = \"$ADDR\"\n  cps = [0, 0]\n  log_format = \"xinetd\"\n}\nsuperd {\n  log_format = \"text\"\n}\n"
	for i, c := range logScenarios {
		id, name := c.name, c.name
		conf += fmt.Sprintf("service %s\n{\n\tid = %s\n\t%s\n\tflags = NOLIBWRAP\n\tsocket_type = stream\n\tprotocol = tcp\n\twait = no\n\tuser = root\n\tport = %d\n\tlog_type = FILE $DIR/%s.theirs\n\t%s\n}\n",
			name, id, unlistedUnless(c.xinetd, "\ttype = UNLISTED"), theirs+i, id, fill(c.xinetd))
		hcl += fmt.Sprintf("service %q {\n id = %q\n %s\n socket_type = \"stream\"\n wait = false\n %s\n port = %d\n log_type = \"FILE $DIR/%s.ours\"\n %s\n}\n",
			name, id, unlistedUnless(c.hcl, `type = "UNLISTED"`), userUnless(c.hcl), ours+i, id, fill(c.hcl))
	}
	hcl += fmt.Sprintf("service \"echo\" {\n type = [\"INTERNAL\", \"UNLISTED\"]\n socket_type = \"stream\"\n port = %d\n log_type = \"STDERR\"\n}\n", target)
	s.write("xinetd.conf", conf)
	s.config(hcl)
	cmd := exec.Command(xinetd, "-dontfork", "-f", s.path("xinetd.conf"), "-pidfile", s.path("xinetd.pid"), "-filelog", s.path("xinetd.log"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			text, _ := os.ReadFile(s.path("xinetd.log"))
			t.Logf("xinetd said\n%s", text)
		}
	})
	d := s.start()
	eventually(t, patience, "xinetd answers", func() bool { // it announces nothing
		text, _ := os.ReadFile(s.path("xinetd.log"))
		return strings.Contains(string(text), "Started working: ")
	})

	for i, c := range logScenarios {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for base, file := range map[int]string{theirs: ".theirs", ours: ".ours"} {
				if err := c.visit(s.at(base + i)); err != nil {
					t.Fatalf("%s: %v", file, err)
				}
			}
			theirLines := settled(t, s.path(c.name+".theirs"), c.lines)
			want := theirLines
			if c.fromXinetd != nil {
				want = c.fromXinetd(theirLines)
			}
			if (c.differs == "") != (c.fromXinetd == nil) {
				t.Error("a difference without a reason")
			}
			got := settled(t, s.path(c.name+".ours"), len(want))
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("superd wrote\n%s\nxinetd\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
	t.Cleanup(d.healthy)
}

func unlistedUnless(text, line string) string {
	if strings.Contains(text, "INTERNAL") {
		return ""
	}
	return line
}

// userUnless names the user of a program.
func userUnless(hcl string) string {
	if strings.Contains(hcl, "server ") {
		return `user = "root"`
	}
	return ""
}

// settled waits for so many lines of a log, and that no more follow, and returns them with what differs from run to run made
// equal. The form of the time is checked.
func settled(t *testing.T, path string, count int) []string {
	t.Helper()
	var lines []string
	read := func() bool {
		text, _ := os.ReadFile(path)
		lines = strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
		if len(text) == 0 {
			lines = nil
		}
		return len(lines) >= count
	}
	eventually(t, patience, fmt.Sprintf("%s has %d lines", path, count), read)
	time.Sleep(100 * time.Millisecond) // for a line too many
	read()
	if len(lines) != count {
		t.Errorf("%s has %d lines, not %d:\n%s", path, len(lines), count, strings.Join(lines, "\n"))
	}
	for i, l := range lines {
		stamped := regexp.MustCompile(`^\d\d/([1-9]|1[0-2])/([1-9]|[12]\d|3[01])@\d\d:\d\d:\d\d: `)
		if !stamped.MatchString(l) {
			t.Errorf("the time of %q", l)
		}
		l = stamped.ReplaceAllString(l, "TIME: ")
		l = replaceIn(l, `pid=[1-9]\d*`, "pid=N")
		l = replaceIn(l, `duration=[0-3]\(sec\)`, "duration=N(sec)")
		lines[i] = l
	}
	return lines
}
