package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// commandAfter is `superd run` in a mount namespace of its own, in which the shell has done something first.
func (s *site) commandAfter(shell string, args ...string) *exec.Cmd {
	s.t.Helper()
	needRoot(s.t)
	unshare := need(s.t, "unshare")
	if out, err := try(unshare, "--mount", "true"); err != nil {
		lack(s.t, "no mount namespaces here: %v %s", err, out)
	}
	superd := s.command(args...).Args
	script := s.expand(shell) + ` && exec "$0" "$@"`
	return exec.Command(unshare, append([]string{"--mount", "/bin/sh", "-c", script}, superd...)...)
}

// TestFullLog: a log on a full disk costs log lines, never connections, and is written again when there is room.
func TestFullLog(t *testing.T) {
	s := newSite(t)
	s.mkdir("log", 0, 0)
	server := helloServer(t, s)
	s.config(`
defaults {
  log_type       = "FILE $DIR/log/superd.log"
  log_on_success = ["PID", "HOST", "DURATION", "EXIT"]
  cps            = [0, 0]
  bind           = "$ADDR"
}
superd {
  log_type = "STDERR"
}
service "hello" {
  type        = "UNLISTED"
  port        = 7007
  socket_type = "stream"
  wait        = false
  ` + server + `
}`)
	d := s.launch(s.commandAfter(`mount -t tmpfs -o size=128k tmpfs $DIR/log`))
	inside := fmt.Sprintf("/proc/%d/root%s/log/", d.pid, s.dir)
	expect(t, s.at(7007), "", "hello\n")
	eventually(t, patience, "the log is written", func() bool {
		text, err := os.ReadFile(inside + "superd.log")
		return err == nil && strings.Contains(string(text), "EXIT")
	})

	if err := os.WriteFile(inside+"filler", make([]byte, 1<<20), 0o600); err == nil {
		t.Fatal("the disk is not full")
	}
	connections := func(n int) {
		t.Helper()
		for range n {
			before := time.Now()
			expect(t, s.at(7007), "", "hello\n")
			if took := time.Since(before); took > time.Second {
				t.Errorf("a client waits %v", took)
			}
		}
	}
	connections(300)
	d.waitLog(`\bLOG-FAILED\b.*superd\.log.*no space`)

	if err := os.Remove(inside + "filler"); err != nil {
		t.Fatal(err)
	}
	full, err := os.Stat(inside + "superd.log")
	if err != nil {
		t.Fatal(err)
	}
	connections(50)
	d.waitLog(`\bLOG-RECOVERED\b.*superd\.log`)
	eventually(t, patience, "the log goes on", func() bool {
		now, err := os.Stat(inside + "superd.log")
		return err == nil && now.Size() > full.Size()
	})
	text, err := os.ReadFile(inside + "superd.log")
	if err != nil {
		t.Fatal(err)
	}
	// The write that met the full disk may have got half a line out; it must not run into the next one.
	torn := 0
	for line := range strings.Lines(string(text)) {
		if !wholeLine.MatchString(line) {
			torn++
			t.Logf("half a line: %q", line)
		}
	}
	if torn > 1 {
		t.Errorf("%d lines of the log are not whole", torn)
	}
}

var wholeLine = regexp.MustCompile(`^\d{4}-\S+Z superd\[\d+\] (START|EXIT|LOST) (service|count)=[^\n]*\n$`)

// TestDeadResolver: a resolver that never answers holds up only who needs it.
func TestDeadResolver(t *testing.T) {
	s := newSite(t)
	hole, err := net.ListenPacket("udp", s.at(53)) // takes every question, answers none
	if err != nil {
		lack(t, "%v", err)
	}
	defer hole.Close()
	s.write("resolv.conf", "nameserver $ADDR\n")
	s.config(usual + builtinEcho + `
service "echo" {
  id          = "named"
  type        = ["INTERNAL", "UNLISTED"]
  port        = 7010
  socket_type = "stream"
  wait        = false
  only_from   = ["trusted.example.org", ".example.net", "127.0.0.1"]
}`)
	d := s.launch(s.commandAfter(`mount --bind $DIR/resolv.conf /etc/resolv.conf`))

	const strangers = 20
	stranger := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(s.addr)}, Timeout: patience}
	var refused sync.WaitGroup
	for range strangers {
		c, err := stranger.Dial("tcp", s.at(7010))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		refused.Go(func() {
			_ = c.SetReadDeadline(time.Now().Add(2 * patience))
			if n, err := c.Read(make([]byte, 1)); n != 0 || os.IsTimeout(err) {
				t.Errorf("a stranger reads %d bytes, %v", n, err)
			}
		})
	}
	_ = hole.SetReadDeadline(time.Now().Add(patience))
	if _, _, err := hole.ReadFrom(make([]byte, 512)); err != nil {
		t.Errorf("the resolver was not asked: %v", err)
	}

	quick := func(what, addr string) {
		t.Helper()
		for range 10 {
			before := time.Now()
			expect(t, addr, "echo", "echo")
			if took := time.Since(before); took > time.Second {
				t.Errorf("%s waits %v", what, took)
			}
		}
	}
	quick("another service", s.at(7007))
	quick("a client who is admitted by address", s.at(7010))
	began := time.Now()
	d.reload()
	if took := time.Since(began); took > time.Second {
		t.Errorf("a reload waits %v", took)
	}
	refused.Wait()
	verdicts := regexp.MustCompile(`\bREFUSE\b.*\bservice=named\b.*\bverdict=(address|lookup)\b`)
	eventually(t, patience, "every stranger's verdict is in the log", func() bool {
		return len(d.matching(0, verdicts)) == strangers
	})
}
