package e2e

import (
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// builtinEcho is a service without limits that superd answers itself.
const builtinEcho = `
service "echo" {
  type        = ["INTERNAL", "UNLISTED"]
  port        = 7007
  socket_type = "stream"
  wait        = false
}`

// catService is a service without limits whose program lives as long as its client.
func catService(t testing.TB) string {
	return `
service "cat" {
  type        = "UNLISTED"
  port        = 7008
  socket_type = "stream"
  wait        = false
  server      = "` + need(t, "cat") + `"
  ` + unprivileged() + `
}`
}

func TestWrongUser(t *testing.T) {
	s := newSite(t)
	text := usual + builtinEcho + `
service "cat" {
  port        = 7008
  socket_type = "stream"
  wait        = false
  server      = "/bin/cat"
  user        = "no-such-user"
}`
	s.config(text)
	d := s.run(s.command())
	if status := d.exit(); status != 2 {
		t.Errorf("exit status %d, not 2", status)
	}
	line := 1 + strings.Count(strings.Split(text, "no-such-user")[0], "\n")
	d.waitLog(fmt.Sprintf(`superd\.hcl:%d\b`, line))
	d.waitLog(`no-such-user`)
}

// TestPortInUse: what cannot be opened is one line; the rest runs, and the port is taken as soon as it is free.
func TestPortInUse(t *testing.T) {
	s := newSite(t)
	s.config(usual + builtinEcho + catService(t))
	squatter, err := net.Listen("tcp", s.at(7008))
	if err != nil {
		t.Fatal(err)
	}
	defer squatter.Close()
	d := s.start()
	d.waitLog(`\bBIND-FAILED\b.*\bservice=cat\b.*7008.*in use`)
	d.waitLog(`\bREADY\b.*\bservices=2\b`)
	expect(t, s.at(7007), "echo", "echo")

	// A reload meanwhile must not mind: it is not the reload that opens this port.
	d.reload()
	_ = squatter.Close()
	if _, _, err := d.wait(0, regexp.MustCompile(`\bBOUND\b.*\bservice=cat\b`), time.Minute); err != nil {
		t.Fatal(err)
	}
	expect(t, s.at(7008), "cat", "cat")
}

func TestPortInUseStrict(t *testing.T) {
	s := newSite(t)
	s.config(usual + builtinEcho + catService(t))
	squatter, err := net.Listen("tcp", s.at(7008))
	if err != nil {
		t.Fatal(err)
	}
	defer squatter.Close()
	d := s.run(s.command("--strict"))
	if status := d.exit(); status != 1 {
		t.Errorf("exit status %d, not 1", status)
	}
	d.waitLog(`7008.*in use`)
	if lines := d.matching(0, regexp.MustCompile(`\bREADY\b`)); len(lines) > 0 {
		t.Errorf("superd was ready: %s", lines[0])
	}
}

// TestDeadClients: clients that never speak and clients that never read are in nobody's way, and max_lifetime ends them.
func TestDeadClients(t *testing.T) {
	s := newSite(t)
	stubborn := s.script("stubborn", "#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 1; done\n")
	service := func(name, port, rest string) string {
		return `
service "` + name + `" {
  type         = ` + rest + `
  port         = ` + port + `
  socket_type  = "stream"
  wait         = false
  max_lifetime = "2s"
  grace        = "1s"
}`
	}
	program := func(path string) string {
		return `"UNLISTED"
  ` + unprivileged() + `
  server = "` + path + `"`
	}
	const builtin = `["INTERNAL", "UNLISTED"]`
	s.config(usual + builtinEcho +
		strings.Replace(service("echo", "7001", builtin), "type ", "id = \"silent-builtin\"\n  type ", 1) +
		service("chargen", "7002", builtin) +
		service("silent", "7003", program(need(t, "cat"))) +
		service("flood", "7004", program(need(t, "yes"))) +
		service("stubborn", "7005", program(stubborn)))
	d := s.start()

	began := time.Now()
	var dead []net.Conn
	for port := 7001; port <= 7005; port++ {
		for range 5 {
			dead = append(dead, mustDial(t, s.at(port))) // says nothing, reads nothing
		}
	}
	for range 20 {
		before := time.Now()
		expect(t, s.at(7007), "echo", "echo")
		if took := time.Since(before); took > time.Second {
			t.Errorf("a living client waits %v", took)
		}
	}
	for _, name := range []string{"silent-builtin", "chargen", "silent", "flood", "stubborn"} {
		exits := regexp.MustCompile(`\bEXIT service=` + name + ` `)
		eventually(t, patience, "the five of "+name+" have ended", func() bool { return len(d.matching(0, exits)) == 5 })
	}
	if took := time.Since(began); took < 2*time.Second {
		t.Errorf("all have ended after %v, before their time", took)
	}
	d.waitLog(`\bEXIT service=silent .*\bsignal=(15|\S*TERM)\b`)
	d.waitLog(`\bEXIT service=stubborn .*\bsignal=(9|\S*KILL)\b`)
	for _, c := range dead[:5] {
		if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil {
			t.Errorf("a silent client reads %d bytes, %v", n, err)
		}
	}
}

// TestKilledAndStartedAgain: after SIGKILL the ports are free at once, though the programs of old clients live on.
func TestKilledAndStartedAgain(t *testing.T) {
	s := newSite(t)
	s.config(usual + builtinEcho + catService(t))
	d := s.start()
	old := mustDial(t, s.at(7008))
	says := func(text string) {
		t.Helper()
		if _, err := io.WriteString(old, text); err != nil {
			t.Fatal(err)
		}
		answer := make([]byte, len(text))
		if _, err := io.ReadFull(old, answer); err != nil || string(answer) != text {
			t.Fatalf("the old client reads %q, %v", answer, err)
		}
	}
	says("before")
	programs := childrenOf(d.pid)
	t.Cleanup(func() {
		for _, p := range programs {
			if p.lives() {
				_ = syscall.Kill(p.pid, syscall.SIGKILL)
			}
		}
	})
	d.kill()

	d = s.start()
	if lines := d.matching(0, regexp.MustCompile(`\bBIND-FAILED\b`)); len(lines) > 0 {
		t.Errorf("a port is not free: %s", lines[0])
	}
	expect(t, s.at(7007), "echo", "echo")
	expect(t, s.at(7008), "cat", "cat")
	says("after")
	_ = old.Close()
	eventually(t, patience, "the orphaned programs end with their clients", func() bool {
		for _, p := range programs {
			if p.lives() {
				return false
			}
		}
		return true
	})
}
