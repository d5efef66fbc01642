package systemd

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// notifySocket is the manager's end.
func notifySocket(t *testing.T) (*Manager, *net.UnixConn) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("NOTIFY_SOCKET", path)
	return New(), c
}

func receive(t *testing.T, c *net.UnixConn) (text string, fds []int) {
	t.Helper()
	buf, oob := make([]byte, 4096), make([]byte, 4096)
	n, oobn, _, _, err := c.ReadMsgUnix(buf, oob)
	if err != nil {
		t.Error(err)
		return "", nil
	}
	messages, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil {
		t.Error(err)
	}
	for _, m := range messages {
		got, err := unix.ParseUnixRights(&m)
		if err != nil {
			t.Error(err)
		}
		fds = append(fds, got...)
	}
	return string(buf[:n]), fds
}

func TestTell(t *testing.T) {
	m, c := notifySocket(t)
	if !m.There() {
		t.Fatal("there is a manager")
	}
	if err := m.Tell(Ready, Status("two\nlines")); err != nil {
		t.Fatal(err)
	}
	if text, _ := receive(t, c); text != "READY=1\nSTATUS=two lines" {
		t.Errorf("%q", text)
	}
	if err := m.Tell(Reloading()); err != nil {
		t.Fatal(err)
	}
	text, _ := receive(t, c)
	var usec int64
	if _, err := fmt.Sscanf(text, "RELOADING=1\nMONOTONIC_USEC=%d", &usec); err != nil || usec <= 0 {
		t.Errorf("%q: %v", text, err)
	}
}

func TestStoreAndRemove(t *testing.T) {
	m, c := notifySocket(t)
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := m.Store("superd.x", int(f.Fd())); err != nil {
		t.Fatal(err)
	}
	text, fds := receive(t, c)
	if text != "FDSTORE=1\nFDNAME=superd.x\nFDPOLL=0" || len(fds) != 1 {
		t.Fatalf("%q with %d descriptors", text, len(fds))
	}
	defer unix.Close(fds[0])
	var sent, got unix.Stat_t
	if unix.Fstat(int(f.Fd()), &sent) != nil || unix.Fstat(fds[0], &got) != nil || sent.Rdev != got.Rdev || sent.Ino != got.Ino {
		t.Error("another file arrived")
	}
	if err := m.Remove("superd.x"); err != nil {
		t.Fatal(err)
	}
	if text, _ := receive(t, c); text != "FDSTOREREMOVE=1\nFDNAME=superd.x" {
		t.Errorf("%q", text)
	}
}

func TestBarrier(t *testing.T) {
	m, c := notifySocket(t)
	let := make(chan bool)
	go func() {
		defer close(let)
		text, fds := receive(t, c)
		if text != "BARRIER=1" || len(fds) != 1 {
			t.Errorf("%q with %d descriptors", text, len(fds))
		}
		<-let
		for _, fd := range fds {
			unix.Close(fd)
		}
	}()
	done := make(chan error)
	go func() { done <- m.Barrier(10 * time.Second) }()
	select {
	case err := <-done:
		t.Fatalf("the barrier is over before the manager has closed it: %v", err)
	case let <- true:
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	<-let
	if err := m.Barrier(time.Millisecond); err == nil {
		t.Error("nobody closed the second one")
	}
}

// A manager that is gone or hangs costs a line of log and a second, not the daemon.
func TestManagerThatDoesNotListen(t *testing.T) {
	m, c := notifySocket(t)
	old := sendTimeout
	sendTimeout = unix.Timeval{Usec: 10_000}
	defer func() { sendTimeout = old }()
	failures := 0
	for range 1000 { // until its queue is full
		if err := m.Tell(Watchdog); err != nil {
			failures++
			break
		}
	}
	if failures == 0 {
		t.Fatal("the queue has no end")
	}
	if err := m.Tell(Watchdog); err != nil {
		t.Errorf("said twice: %v", err)
	}
	for range 3 {
		receive(t, c)
	}
	if err := m.Tell(Watchdog); err != nil {
		t.Error(err)
	}
	c.Close()
	if err := m.Tell(Watchdog); err == nil {
		t.Error("no error though the socket is gone")
	}
}

func TestNoManager(t *testing.T) {
	for _, m := range []*Manager{nil, {}} {
		if m.There() || m.Tell(Ready) != nil || m.Store("x", 0) != nil || m.Remove("x") != nil || m.Barrier(time.Hour) != nil {
			t.Error("there is no manager")
		}
	}
}

func TestMain(m *testing.M) {
	if os.Getenv("SYSTEMD_TEST_CHILD") != "" {
		showInherited()
		return
	}
	os.Exit(m.Run())
}

func showInherited() {
	all, err := Inherited()
	for _, d := range all {
		flags, _ := unix.FcntlInt(uintptr(d.FD), unix.F_GETFD, 0)
		target, _ := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", d.FD))
		fmt.Println(d.Name, target, flags == unix.FD_CLOEXEC)
	}
	again, err2 := Inherited()
	fmt.Println(len(again), os.Getenv("LISTEN_FDS"), err, err2)
}

func TestInherited(t *testing.T) {
	for _, c := range []struct{ pid, want string }{
		{"$$", "one /dev/null true\nLISTEN_FD_4 /dev/zero true\n0  <nil> <nil>\n"},
		{"1", "0  <nil> <nil>\n"}, // for another process
	} {
		cmd := exec.Command("/bin/sh", "-c", `LISTEN_PID=`+c.pid+` exec /proc/$PPID/exe 3</dev/null 4</dev/zero`)
		cmd.Env = append(os.Environ(), "SYSTEMD_TEST_CHILD=1", "LISTEN_FDS=2", "LISTEN_FDNAMES=one:")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		got := string(out)
		if c.pid == "1" {
			got = got[strings.Index(got, "0 "):]
		}
		if got != c.want {
			t.Errorf("LISTEN_PID=%s: %q, want %q", c.pid, got, c.want)
		}
	}
}

func TestWatchdogInterval(t *testing.T) {
	for value, want := range map[string]time.Duration{"": 0, "3000000": 3 * time.Second, "x": 0, "-1": 0} {
		t.Setenv("WATCHDOG_USEC", value)
		if got := WatchdogInterval(); got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}
