package e2e

import (
	"io"
	"net"
	"os/user"
	"strings"
	"testing"
	"time"
)

// TestIdent has superd ask a real oidentd, which superd runs itself, whose connection a client's is.
func TestIdent(t *testing.T) {
	needRoot(t)
	oidentd := need(t, "oidentd")
	s := newSite(t)
	s.config(usual + `
service "auth" {
  socket_type = "stream"
  wait        = false
  port        = 113
  user        = "root"
  server      = "` + oidentd + `"
  server_args = ["--stdio"]
}
service "only" {
  socket_type    = "stream"
  wait           = false
  port           = 7001
  flags          = ["IDONLY"]
  user           = "root"
  server         = "/usr/bin/env"
  log_on_success = ["HOST", "USERID"]
}
service "shut" {
  socket_type    = "stream"
  wait           = false
  port           = 7002
  user           = "root"
  server         = "/bin/true"
  only_from      = []
  log_on_failure = ["HOST", "USERID"]
}`)
	d := s.start()
	who, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	visit := func(port int) string {
		c, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(s.addr)}}).Dial("tcp", s.at(port))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(patience))
		text, err := io.ReadAll(c)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if text := visit(7001); !strings.Contains(text, "TCPREMOTEINFO="+who.Username+"\n") {
		t.Errorf("the program's environment is\n%s", text)
	}
	d.waitLog(`USERID service=only conn=\d+ userid="UNIX : ` + who.Username + `"`)
	visit(7002)
	d.waitLog(`USERID service=shut conn=\d+ userid="UNIX : ` + who.Username + `"`)
	d.healthy()
}
