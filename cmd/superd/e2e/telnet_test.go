package e2e

import (
	"io"
	"os/exec"
	"regexp"
	"testing"
)

// TestTelnet talks to a program on a terminal, through each telnet daemon and the real telnet client.
func TestTelnet(t *testing.T) {
	needRoot(t)
	telnet := need(t, "telnet")
	for _, server := range []struct{ name, path, args string }{
		{"busybox", "busybox-static/bin/busybox", `["telnetd", "-i", "-l", "$DIR/login"]`},
		{"inetutils", "inetutils-telnetd/usr/sbin/telnetd", `["-E", "$DIR/login"]`},
	} {
		t.Run(server.name, func(t *testing.T) {
			path := needUnpacked(t, server.path)
			s := newSite(t)
			s.script("login", `#!/bin/sh
tty >/dev/null || { echo no terminal; exit 1; }
printf 'Who are you? '
read name
printf '<<%s>>\n' "Good day, $name."
read bye
`)
			s.ship("telnet.hcl", `"/usr/sbin/telnetd"`, `"`+path+`"`+"\n  server_args = "+server.args, "wait        = false", "wait = false\n  port = 2323")
			d := s.start()
			chat := newChat(t, exec.Command(telnet, "-E", s.addr, "2323"))
			chat.waitFor("Who are you[?]")
			chat.say("Dr. Livingstone")
			chat.waitFor("<<Good day, Dr. Livingstone[.]>>")
			chat.say("bye")
			chat.waitFor("closed by foreign host")
			d.waitLog(`\bEXIT\b.*\bservice=telnet\b`)
		})
	}
}

// chat is an interactive program that a test talks with.
type chat struct {
	t     *testing.T
	heard *logbook
	stdin io.Writer
}

func newChat(t *testing.T, cmd *exec.Cmd) *chat {
	t.Helper()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &chat{t: t, heard: newLogbook(), stdin: stdin}
	go c.heard.collectPieces(r)
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = w.Close()
		if t.Failed() {
			t.Logf("heard from %s:\n%s", cmd, c.heard)
		}
	})
	return c
}

func (c *chat) say(line string) {
	c.t.Helper()
	if _, err := io.WriteString(c.stdin, line+"\n"); err != nil {
		c.t.Fatal(err)
	}
}

func (c *chat) waitFor(pattern string) {
	c.t.Helper()
	if _, _, err := c.heard.wait(0, regexp.MustCompile(pattern), patience); err != nil {
		c.t.Fatal(err)
	}
}

// collectPieces is collect for a dialogue, whose prompts have no line end: all that was heard so far is one piece.
func (b *logbook) collectPieces(r io.Reader) {
	var heard []byte
	buffer := make([]byte, 4096)
	for {
		n, err := r.Read(buffer)
		heard = append(heard, buffer[:n]...)
		b.add(string(heard), err != nil)
		if err != nil {
			return
		}
	}
}
