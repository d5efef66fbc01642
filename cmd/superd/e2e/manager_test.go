package e2e

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// manager is as much of systemd as superd talks to: it takes notifications and keeps descriptors.
type manager struct {
	t    *testing.T
	path string
	*logbook
	mu    sync.Mutex
	names []string
	fds   []int
}

func newManager(t *testing.T, s *site) *manager {
	t.Helper()
	m := &manager{t: t, path: s.path("notify"), logbook: newLogbook()}
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: m.path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Close()
		for _, fd := range m.fds {
			_ = unix.Close(fd)
		}
	})
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	go m.collect(r)
	go m.serve(c, w)
	return m
}

func (m *manager) serve(c *net.UnixConn, log *os.File) {
	defer log.Close()
	buf, oob := make([]byte, 4096), make([]byte, 4096)
	for {
		n, oobn, _, _, err := c.ReadMsgUnix(buf, oob)
		if err != nil {
			return
		}
		var fds []int
		messages, _ := unix.ParseSocketControlMessage(oob[:oobn])
		for _, message := range messages {
			got, _ := unix.ParseUnixRights(&message)
			fds = append(fds, got...)
		}
		lines := strings.Split(string(buf[:n]), "\n")
		m.keep(lines, fds)
		fmt.Fprintln(log, strings.Join(lines, " "))
	}
}

func (m *manager) keep(lines []string, fds []int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	name := ""
	for _, l := range lines {
		if after, ok := strings.CutPrefix(l, "FDNAME="); ok {
			name = after
		}
	}
	switch lines[0] {
	case "FDSTORE=1":
		for _, fd := range fds {
			m.names, m.fds = append(m.names, name), append(m.fds, fd)
		}
		return
	case "FDSTOREREMOVE=1":
		for i := len(m.names) - 1; i >= 0; i-- {
			if m.names[i] == name {
				_ = unix.Close(m.fds[i])
				m.names, m.fds = slices.Delete(m.names, i, i+1), slices.Delete(m.fds, i, i+1)
			}
		}
	}
	for _, fd := range fds {
		_ = unix.Close(fd)
	}
}

func (m *manager) stored() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.names)
}

// start runs superd as the manager does, with what it keeps.
func (m *manager) start(s *site, env ...string) *daemon {
	m.t.Helper()
	cmd := m.command(s, env...)
	d := s.run(cmd)
	for _, f := range cmd.ExtraFiles {
		_ = f.Close()
	}
	d.waitLog(`\bREADY\b`)
	return d
}

func (m *manager) command(s *site, env ...string) *exec.Cmd {
	m.mu.Lock()
	defer m.mu.Unlock()
	superd := s.command()
	cmd := exec.Command("/bin/sh", append([]string{"-c", `export LISTEN_PID=$$; exec "$0" "$@"`}, superd.Args...)...)
	cmd.Env = append(os.Environ(), append(env, "NOTIFY_SOCKET="+m.path, fmt.Sprintf("LISTEN_FDS=%d", len(m.fds)), "LISTEN_FDNAMES="+strings.Join(m.names, ":"))...)
	for i, fd := range m.fds {
		own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			m.t.Fatal(err)
		}
		cmd.ExtraFiles = append(cmd.ExtraFiles, os.NewFile(uintptr(own), m.names[i]))
	}
	return cmd
}

const twoServices = usual + `
service "hello" {
  type        = "UNLISTED"
  port        = 7007
  socket_type = "stream"
  wait        = false
  server      = "/bin/echo"
  server_args = ["hello"]
  $USER
}
service "discard" {
  type        = ["INTERNAL", "UNLISTED"]
  port        = 7009
  socket_type = "dgram"
}
`

// TestManager: superd tells a manager what it does, and its sockets outlive it: clients that come between a crash and the next start
// are served, none is refused.
func TestManager(t *testing.T) {
	s := newSite(t)
	m := newManager(t, s)
	config := strings.Replace(twoServices, "$USER", unprivileged(), 1)
	s.config(config)
	d := m.start(s)
	m.waitFor(`^READY=1$`)
	m.waitFor(`^STATUS=2 services on 2 sockets; 0 connections now, 0 accepted, 0 refused$`)
	if n := m.stored(); n != 2 {
		t.Fatalf("%d sockets are stored, not 2: %q", n, m.names)
	}
	expect(t, s.at(7007), "", "hello\n")
	m.waitFor(`^STATUS=.* 0 connections now, 1 accepted`)

	mark := m.mark()
	d.reload()
	m.waitForAfter(mark, `^RELOADING=1 MONOTONIC_USEC=\d+$`)
	m.waitForAfter(mark, `^READY=1$`)

	// Clients, one after the other, through everything that follows. Each gets in; whom superd has taken when it ends may be cut short.
	stop, cut := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		for {
			select {
			case <-stop:
				cut <- n
				return
			default:
			}
			c, err := dial(s.at(7007))
			if err != nil {
				t.Errorf("a client is not let in: %v", err)
				continue
			}
			if answer, _ := io.ReadAll(c); string(answer) != "hello\n" {
				n++
			}
			_ = c.Close()
		}
	}()
	for i, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM, syscall.SIGQUIT} {
		_ = syscall.Kill(d.pid, sig)
		if !d.gone(patience) {
			t.Fatalf("superd does not end by %v", sig)
		}
		want := []int{-1, 0, 75}[i]
		if code := d.status.ExitCode(); code != want {
			t.Errorf("exit status %d after %v, not %d", code, sig, want)
		}
		d.stopped = true
		d = m.start(s)
		if n := m.stored(); n != 2 {
			t.Errorf("%d sockets are stored after %v, not 2: %q", n, sig, m.names)
		}
		d.healthy()
		if lines := d.matching(0, regexp.MustCompile(`WARNING|BIND-FAILED`)); len(lines) > 0 {
			t.Errorf("after %v: %s", sig, lines[0])
		}
	}
	close(stop)
	if n := <-cut; n > 3 {
		t.Errorf("%d clients were cut short by 3 ends", n)
	}

	// What no service wants any more is let go, by a reload and at the next start.
	s.config(strings.Replace(config, "7007", "7017", 1))
	d.reload()
	eventually(t, patience, "the old port is free", func() bool {
		_, err := talk(s.at(7007), "")
		return err != nil
	})
	expect(t, s.at(7017), "", "hello\n")
	s.config(strings.Replace(config, "7007", "7027", 1))
	_ = syscall.Kill(d.pid, syscall.SIGKILL)
	_ = d.gone(patience)
	d.stopped = true
	d = m.start(s)
	d.waitLog(`WARNING reason="socket tcp [^ ]*:7017 that was handed in as superd\.tcp[^ ]* is closed: no service wants it"`)
	if _, err := talk(s.at(7017), ""); err == nil {
		t.Error("the port is still open")
	}
	if n := m.stored(); n != 2 {
		t.Errorf("%d sockets are stored at the end, not 2: %q", n, m.names)
	}
	mark = m.mark()
	d.stop()
	m.waitForAfter(mark, `^STOPPING=1 EXTEND_TIMEOUT_USEC=\d+$`)
}

// TestWatchdogIsAnswered: a healthy daemon answers in time.
func TestWatchdogIsAnswered(t *testing.T) {
	s := newSite(t)
	m := newManager(t, s)
	s.config(strings.Replace(twoServices, "$USER", unprivileged(), 1))
	m.start(s, "WATCHDOG_USEC=600000")
	for range 3 {
		mark := m.mark()
		m.waitForAfter(mark, `^WATCHDOG=1$`)
	}
}

// TestSocketUnit: sockets with the names of socket units are adopted by address, never stored, and left to the unit.
func TestSocketUnit(t *testing.T) {
	s := newSite(t)
	m := newManager(t, s)
	l, err := net.Listen("tcp", s.at(7007))
	if err != nil {
		t.Fatal(err)
	}
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	own, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = f.Close(), l.Close()
	m.names, m.fds = []string{"superd.socket"}, []int{own}
	s.config(strings.Replace(twoServices, "$USER", unprivileged(), 1))
	d := m.start(s)
	expect(t, s.at(7007), "", "hello\n")
	if n := m.stored(); n != 2 { // the unit's and the other service's
		t.Errorf("%d sockets, not 2: %q", n, m.names)
	}
	d.stop()
}

func (m *manager) waitFor(pattern string) { m.t.Helper(); m.waitForAfter(0, pattern) }

func (m *manager) waitForAfter(mark int, pattern string) {
	m.t.Helper()
	if _, _, err := m.wait(mark, regexp.MustCompile(pattern), patience+time.Second); err != nil {
		m.t.Fatalf("%v; the manager was told:\n%s", err, m.logbook)
	}
}
