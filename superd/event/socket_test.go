package event

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"superd/superd/config"
)

// logd is syslogd or journald.
func logd(t *testing.T, path string) *net.UnixConn {
	t.Helper()
	_ = os.Remove(path)
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	return c
}

func receive(t *testing.T, c *net.UnixConn) string {
	t.Helper()
	b := make([]byte, 1<<14)
	n, err := c.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

func TestSyslog(t *testing.T) {
	h, stderr := newTestHub(t)
	h.syslogPath = filepath.Join(t.TempDir(), "log")
	d := logd(t, h.syslogPath)
	s := open(t, h, config.LogTarget{Kind: config.Syslog, Facility: "local3", Level: "info"})
	s.Start(config.LogPID, sampleStart())
	s.Write(ConfigError("f:1,1-2", "odd", "one\ntwo"))
	json := open(t, h, config.LogTarget{Kind: config.Syslog, Format: config.JSONFormat})
	head := `[A-Z][a-z]{2} [ 123]\d \d\d:\d\d:\d\d superd\[` + fmt.Sprint(os.Getpid()) + `\]: `
	for _, want := range []string{
		`<158>` + head + `START service=echo-stream conn=17 pid=4242`,
		`<155>` + head + `CONFIG-ERROR at=f:1,1-2 summary=odd`,
		`<155>` + head + `    one`,
		`<155>` + head + `    two`,
	} {
		if got := receive(t, d); !regexp.MustCompile(`^` + want + `$`).MatchString(got) {
			t.Errorf("got %q, want %s", got, want)
		}
	}
	json.Write(Ready(1, 2))
	if got, want := receive(t, d), `^<30>`+head+`\{"time":.*"event":"READY","services":1,"sockets":2\}$`; !regexp.MustCompile(want).MatchString(got) {
		t.Errorf("got %q, want %s", got, want)
	}
	if stderr.String() != "" {
		t.Errorf("trouble: %s", stderr)
	}
}

func TestJournal(t *testing.T) {
	h, _ := newTestHub(t)
	h.journalPath = filepath.Join(t.TempDir(), "socket")
	d := logd(t, h.journalPath)
	s := open(t, h, config.LogTarget{Kind: config.Journal, Level: "notice"})
	s.Start(allFlags, sampleStart())
	s.Write(ConfigError("f:1,1-2", "odd", "one\ntwo"))
	for _, want := range []map[string]string{
		{
			"MESSAGE":  "START service=echo-stream conn=17 pid=4242 from=192.0.2.7 port=51234 to=192.0.2.1 to_port=7",
			"PRIORITY": "5", "SYSLOG_IDENTIFIER": "superd", "SUPERD_EVENT": "START", "SUPERD_SERVICE": "echo-stream",
			"SUPERD_CONN": "17", "SUPERD_PID": "4242", "SUPERD_FROM": "192.0.2.7", "SUPERD_PORT": "51234",
			"SUPERD_TO": "192.0.2.1", "SUPERD_TO_PORT": "7",
		}, {
			"MESSAGE":  "CONFIG-ERROR at=f:1,1-2 summary=odd\n    one\n    two",
			"PRIORITY": "3", "SYSLOG_IDENTIFIER": "superd", "SUPERD_EVENT": "CONFIG-ERROR", "SUPERD_AT": "f:1,1-2",
			"SUPERD_SUMMARY": "odd",
		},
	} {
		got, err := parseJournal([]byte(receive(t, d)))
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%v\n got %q\nwant %q", err, got, want)
		}
	}
}

// A syslogd that is missing, comes, goes and comes again costs what it missed, and each absence is told of once.
func TestSyslogdComesAndGoes(t *testing.T) {
	h, stderr := newTestHub(t)
	h.syslogPath = filepath.Join(t.TempDir(), "log")
	s := open(t, h, config.LogTarget{Kind: config.Syslog, Facility: "daemon"})
	stderr.waitFor(t, `LOG-FAILED log="SYSLOG daemon"`)

	d := logd(t, h.syslogPath)
	s.Write(Ready(1, 1))
	if got := receive(t, d); !strings.Contains(got, "READY") {
		t.Errorf("got %q", got)
	}
	stderr.waitFor(t, "LOG-RECOVERED")

	d.Close()
	s.Write(Ready(2, 2))
	waitForCount(t, stderr, "LOG-FAILED", 2)
	d = logd(t, h.syslogPath)
	h.Reopen()
	if got := receive(t, d); !strings.Contains(got, "LOST count=1") {
		t.Errorf("got %q", got)
	}
	waitForCount(t, stderr, "LOG-RECOVERED", 2)

	// Another one in its place, without an absence in between that an event could notice.
	d.Close()
	d = logd(t, h.syslogPath)
	s.Write(Ready(3, 3))
	if got := receive(t, d); !strings.Contains(got, "READY services=3") {
		t.Errorf("got %q", got)
	}
	// The former one lives on; Reopen goes to the new one.
	other := logd(t, h.syslogPath)
	h.Reopen()
	s.Write(Ready(4, 4))
	if got := receive(t, other); !strings.Contains(got, "READY services=4") {
		t.Errorf("got %q", got)
	}
	if n := strings.Count(stderr.String(), "LOG-FAILED"); n != 2 {
		t.Errorf("LOG-FAILED was said %d times", n)
	}
}

func waitForCount(t *testing.T, r *record, text string, n int) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for strings.Count(r.String(), text) < n {
		select {
		case <-r.more:
		case <-deadline:
			t.Fatalf("not %d times %s in %q", n, text, r)
		}
	}
}

// A syslogd that hangs: its socket's queue is full.
func TestSyslogdThatHangs(t *testing.T) {
	h, stderr := newTestHub(t)
	h.syslogPath = filepath.Join(t.TempDir(), "log")
	d := logd(t, h.syslogPath)
	s := open(t, h, config.LogTarget{Kind: config.Syslog})
	const events = 3 * batchEvents
	for range events {
		s.Write(Ready(1, 1))
	}
	before := time.Now()
	other := open(t, h, config.LogTarget{})
	other.Write(Warn("", "the daemon goes on"))
	stderr.waitFor(t, "the daemon goes on")
	if d := time.Since(before); d > 10*time.Second {
		t.Errorf("the daemon waited %v for syslogd", d)
	}
	found, missing := 0, 0
	for found+missing < events {
		got := receive(t, d)
		if _, count, ok := strings.Cut(got, "LOST count="); ok {
			n := 0
			fmt.Sscan(count, &n)
			missing += n
		} else {
			found++
		}
	}
	if missing == 0 || found+missing != events {
		t.Errorf("%d received and %d said to be lost, of %d", found, missing, events)
	}
}

// Trouble with the daemon's own log is told on stderr.
func TestTroubleOfTheDaemonsLog(t *testing.T) {
	h, stderr := newTestHub(t)
	h.syslogPath = filepath.Join(t.TempDir(), "log")
	d := logd(t, h.syslogPath)
	s := open(t, h, config.LogTarget{Kind: config.Syslog})
	h.ReportTo(s)
	s.Write(Ready(1, 1))
	receive(t, d)
	d.Close()
	s.Write(Ready(1, 1))
	stderr.waitFor(t, "LOG-FAILED")
}
