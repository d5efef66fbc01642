package e2e

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// privateDev gives a mount namespace a /dev of its own, in which a log socket can be made beside that of the machine.
const privateDev = `mkdir $DIR/dev && mount -t tmpfs dev $DIR/dev &&
for n in null zero full random urandom; do touch $DIR/dev/$n && mount --bind /dev/$n $DIR/dev/$n || exit 1; done &&
mount --rbind $DIR/dev /dev`

// TestSyslog sends events to a real syslogd, busybox's, and finds them in the file that it writes.
func TestSyslog(t *testing.T) {
	s := newSite(t)
	busybox := needUnpacked(t, "busybox-static/bin/busybox")
	s.config(helloLoggedTo(t, s, "SYSLOG local3 info"))
	d := s.launch(s.commandAfter(privateDev + ` &&
(` + busybox + ` syslogd -n -S -O $DIR/messages & echo $! >$DIR/logd.pid) && until [ -S /dev/log ]; do sleep 0.05; done`))
	killLater(t, s.path("logd.pid"))
	expect(t, s.at(7007), "", "hello\n")
	d.stop()
	line := regexp.MustCompile(`(?m)superd\[\d+\]: (START|EXIT) service=hello conn=1 .*from=127\.0\.0\.1 `)
	eventually(t, patience, "syslogd has written START and EXIT", func() bool {
		text, err := os.ReadFile(s.path("messages"))
		return err == nil && len(line.FindAllString(string(text), -1)) == 2
	})
}

// helloLoggedTo is a configuration with the service hello on port 7007, and one kind of log.
func helloLoggedTo(t *testing.T, s *site, logType string) string {
	return `
defaults {
  log_type = "` + logType + `"
  bind     = "$ADDR"
}
service "hello" {
  type        = "UNLISTED"
  port        = 7007
  socket_type = "stream"
  wait        = false
  ` + helloServer(t, s) + `
}`
}

// killLater ends the log daemon that the shell has started, and whose pid it has written into a file.
func killLater(t *testing.T, file string) {
	t.Cleanup(func() {
		text, _ := os.ReadFile(file)
		if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
			_ = syscall.Kill(pid, syscall.SIGTERM)
		}
	})
}
