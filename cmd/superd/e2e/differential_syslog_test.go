package e2e

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// openSyslog does the step "syslog": /dev of the stage is a folder of its own, with the machine's devices and a log in it.
func (s *stage) openSyslog() error {
	dev := s.path("dev")
	if err := os.Mkdir(dev, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"null", "zero", "full", "random", "urandom", "tty"} {
		if err := os.WriteFile(filepath.Join(dev, name), nil, 0o644); err != nil {
			return err
		}
		if err := unix.Mount("/dev/"+name, filepath.Join(dev, name), "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("bind %s: %w", name, err)
		}
	}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dev, "log"), Net: "unixgram"})
	if err != nil {
		return err
	}
	s.log3164 = conn
	if err := os.Chmod(filepath.Join(dev, "log"), 0o666); err != nil {
		return err
	}
	return unix.Mount(dev, "/dev", "", unix.MS_BIND|unix.MS_REC, "")
}

// syslogLine is RFC 3164's: priority, stamp, tag and text.
var syslogLine = regexp.MustCompile(`^<(\d+)>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d (\w+)\[\d+\]: (.*)$`)

// showSyslog does the step "syslog N": N messages, sorted, with facility and level by their numbers.
func (s *stage) showSyslog(count string) error {
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	var all []string
	b := make([]byte, 1<<16)
	end := time.Now().Add(endless)
	for {
		if len(all) >= n {
			end = time.Now().Add(silence / 7) // a moment for more
		}
		_ = s.log3164.SetReadDeadline(end)
		got, err := s.log3164.Read(b)
		if err != nil {
			break
		}
		m := syslogLine.FindStringSubmatch(string(b[:got]))
		if m == nil {
			all = append(all, fmt.Sprintf("syslog, of another form: %q", b[:got]))
			continue
		}
		priority, _ := strconv.Atoi(m[1])
		text := logTime.ReplaceAllString(logPid.ReplaceAllString(m[3], "pid=PID"), "duration=N")
		all = append(all, fmt.Sprintf("syslog facility %d level %d %s: %s", priority>>3, priority&7, m[2], text))
	}
	slices.Sort(all)
	for _, l := range all {
		s.say("%s", l)
	}
	return nil
}
