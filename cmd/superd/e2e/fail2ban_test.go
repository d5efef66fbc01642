package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestFail2ban: the real fail2ban-regex, with our filter, finds in real logs the peers that were refused for what they did,
// each once, and at the right time; and no others.
func TestFail2ban(t *testing.T) {
	regex := need(t, "fail2ban-regex")
	folder := fail2banFolder(t)
	s := newSite(t)
	s.config(`
defaults {
  bind           = "$ADDR"
  cps            = [0, 0]
  log_on_failure = ["HOST"]
}
` + refusing("text", 7001, "text", "none") + refusing("xinetd", 7004, "xinetd", "none") +
		refusing("prefix", 7007, "text", "prefix") + refusing("hash", 7010, "text", "hash") + refusing("drop", 7013, "xinetd", "drop"))
	d := s.start()
	for port := 7001; port <= 7015; port++ {
		_, _ = talk(s.at(port), "")
	}
	began := time.Now()
	for _, c := range []struct {
		log, pattern   string
		refused, found int
	}{
		{"text", `REFUSE service=text-full `, 3, 2},
		{"xinetd", `FAIL: xinetd-full service_limit`, 3, 2},
		{"prefix", `REFUSE service=prefix-full `, 3, 0},
		{"hash", `REFUSE service=hash-full `, 3, 0},
		{"drop", `FAIL: drop-full service_limit`, 3, 0},
	} {
		t.Run(c.log, func(t *testing.T) {
			path := s.path(c.log + ".log")
			var text []byte
			eventually(t, patience, "the log is written", func() bool {
				text, _ = os.ReadFile(path)
				return regexp.MustCompile(c.pattern).Match(text)
			})
			if n := len(regexp.MustCompile(`REFUSE|FAIL`).FindAll(text, -1)); n != c.refused {
				t.Fatalf("%d refusals in\n%s", n, text)
			}
			cmd := exec.Command(regex, "-v", "-c", folder, path, "superd")
			cmd.Env = append(os.Environ(), "TZ="+zone())
			out, err := cmd.CombinedOutput()
			if err != nil && c.found > 0 { // with nothing found it may say so by its status
				t.Fatalf("%v\n%s", err, out)
			}
			if !strings.Contains(string(out), "Failregex: ") {
				t.Fatalf("%s", out)
			}
			found := regexp.MustCompile(`(?m)^\|\s+(\S+)  (\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4})$`).FindAllStringSubmatch(string(out), -1)
			if len(found) != c.found {
				t.Errorf("%d found, not %d, in\n%s\n%s", len(found), c.found, text, out)
			}
			for _, m := range found {
				at, err := time.ParseInLocation(time.ANSIC, m[2], time.Local)
				if m[1] != "127.0.0.1" || err != nil || at.Sub(began).Abs() > time.Minute {
					t.Errorf("found %s at %s (%v), began %s", m[1], m[2], err, began)
				}
			}
		})
	}
	d.healthy()
}

// zone is what TZ must be for a program to have the test's own local time.
func zone() string {
	if name, ok := os.LookupEnv("TZ"); ok {
		return name
	}
	return ":/etc/localtime"
}

// refusing is three services with one log, on ports from port on, of which two refuse a peer for who it is or what it does,
// and one for being full.
func refusing(name string, port int, format, redact string) string {
	text := ""
	for i, s := range [][2]string{{"address", `only_from = ["192.0.2.0/24"]`}, {"per-source", "per_source = 0"}, {"full", "instances = 0"}} {
		text += fmt.Sprintf(`
service %q {
  id          = "%s-%s"
  type        = "UNLISTED"
  socket_type = "stream"
  wait        = false
  port        = %d
  log_type    = "FILE $DIR/%s.log"
  log_format  = %q
  log_redact  = %q
  server      = "/bin/cat"
  %s
  %s
}`, name, name, s[0], port+i, name, format, redact, s[1], unprivileged())
	}
	return text
}

// TestFail2banJail: fail2ban takes our jail, switched on.
func TestFail2banJail(t *testing.T) {
	client := need(t, "fail2ban-client")
	folder := fail2banFolder(t)
	log := filepath.Join(t.TempDir(), "superd.log")
	if err := os.WriteFile(log, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	jail, err := os.ReadFile(filepath.Join(packaging, "fail2ban/jail.d/superd.conf"))
	if err != nil {
		t.Fatal(err)
	}
	on := strings.NewReplacer("enabled  = false", "enabled  = true", "/var/log/superd/superd.log", log).Replace(string(jail))
	if on == string(jail) {
		t.Fatal("the jail is not off as shipped")
	}
	// Debian's own jails need the logs of programs that are not here.
	if err := os.WriteFile(filepath.Join(folder, "jail.d/superd.conf"), []byte(on+"\n[sshd]\nenabled = false\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(client, "-c", folder, "-d").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "['add', 'superd', 'auto']") || !strings.Contains(string(out), "REFUSE service=") {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := exec.Command(client, "-c", folder, "-t").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// fail2banFolder is the system's configuration of fail2ban with our filter in it.
func fail2banFolder(t *testing.T) string {
	t.Helper()
	if _, err := os.Stat("/etc/fail2ban/filter.d/common.conf"); err != nil {
		lack(t, "install fail2ban (packaging/install-test-programs.sh): %v", err)
	}
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS("/etc/fail2ban")); err != nil {
		t.Fatal(err)
	}
	filter, err := os.ReadFile(filepath.Join(packaging, "fail2ban/filter.d/superd.conf"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "filter.d/superd.conf"), filter, 0o600); err != nil {
		t.Fatal(err)
	}
	return folder
}
