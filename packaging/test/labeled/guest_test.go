package labeled

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// patience bounds every wait; the machine is emulated.
const patience = 30 * time.Second

// TestMain is the machine's process 1: it brings the machine up, runs the tests on the second serial port, and turns the machine off.
func TestMain(m *testing.M) {
	if os.Getpid() != 1 {
		os.Exit(m.Run())
	}
	if err := rise(); err != nil {
		fmt.Println("process 1:", err)
	} else {
		os.Args = []string{os.Args[0], "-test.v"}
		flag.Parse()
		fmt.Println("END", m.Run())
	}
	unix.Sync()
	_ = unix.IoctlSetInt(1, unix.TCSBRK, 1) // tcdrain(3): all of it has left the serial port
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
}

func rise() error {
	for _, m := range [][3]string{{"devtmpfs", "/dev"}, {"proc", "/proc"}, {"sysfs", "/sys"}, {"tmpfs", "/tmp"}, {"proc", "/jail/proc"}} {
		if err := os.MkdirAll(m[1], 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m[0], m[1], m[0], 0, ""); err != nil {
			return fmt.Errorf("mount %s: %w", m[1], err)
		}
	}
	port, err := os.OpenFile("/dev/ttyS1", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	if err := unix.Dup2(int(port.Fd()), 1); err != nil {
		return err
	}
	if err := unix.Dup2(int(port.Fd()), 2); err != nil {
		return err
	}
	os.Setenv("PATH", "/sbin:/bin")
	return nil
}

func needGuest(t *testing.T) {
	if os.Getpid() != 1 {
		t.Skip("not process 1 of the virtual machine that packaging/test boots")
	}
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// check is superd check of a configuration; it returns what it says.
func check(t *testing.T, path string) (string, int) {
	t.Helper()
	cmd := exec.Command("/sbin/superd", "check", path)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func setLabel(t *testing.T, path, label string) {
	t.Helper()
	if err := unix.Setxattr(path, "security.selinux", append([]byte(label), 0), 0); err != nil {
		t.Fatalf("label %s: %v", path, err)
	}
}

// daemon is a super-server that runs.
type daemon struct {
	*exec.Cmd
	log string
}

// start starts a superd.
func start(t *testing.T, program string, args ...string) *daemon {
	t.Helper()
	return startUntil(t, "READY", program, append([]string{"run", "-c"}, args...)...)
}

func startUntil(t *testing.T, ready, program string, args ...string) *daemon {
	t.Helper()
	log, err := os.CreateTemp("", filepath.Base(program)+"-*.log")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	d := &daemon{exec.Command(program, args...), log.Name()}
	d.Stdout, d.Stderr = log, log
	if err := d.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = d.Process.Signal(unix.SIGTERM)
		_ = d.Wait()
		if t.Failed() {
			lines := strings.SplitAfter(d.said(), "\n")
			t.Logf("%s", strings.Join(lines[max(0, len(lines)-40):], ""))
		}
	})
	d.says(t, ready)
	return d
}

func (d *daemon) said() string {
	text, _ := os.ReadFile(d.log)
	return string(text)
}

// says waits for a line of its log that has all the words. The log is a file, which tells nobody that there is more.
func (d *daemon) says(t *testing.T, words ...string) string {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
	lines:
		for line := range strings.Lines(d.said()) {
			for _, w := range words {
				if !strings.Contains(line, w) {
					continue lines
				}
			}
			return line
		}
		if time.Now().After(deadline) {
			t.Fatalf("no line with %q in\n%s", words, d.said())
		}
	}
}

// ask connects from an address, says a word, and returns what comes back.
func ask(from, to, word string) (string, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: patience}
	c, err := d.Dial("tcp", to)
	if err != nil {
		return "", err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	_, _ = io.WriteString(c, word+"\n") // who is refused may be gone
	text, err := io.ReadAll(c)
	return string(text), err
}

// fields are the lines of the program's answer, by their first word.
func fields(text string) map[string]string {
	m := map[string]string{}
	for s := bufio.NewScanner(strings.NewReader(text)); s.Scan(); {
		name, value, _ := strings.Cut(s.Text(), " ")
		name = strings.TrimSuffix(name, ":")
		m[name] = strings.Join(strings.Fields(value), " ")
	}
	return m
}

// wearing runs f on a thread whose sockets get a label, and that ends with it.
func wearing(t *testing.T, label string, f func()) {
	t.Helper()
	done := make(chan error)
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if err := os.WriteFile("/proc/thread-self/attr/sockcreate", []byte(label), 0); err != nil {
			done <- err
			return
		}
		f()
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func ownLabel(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/proc/thread-self/attr/current")
	if err != nil {
		t.Fatal(err)
	}
	return string(bytes.TrimRight(text, "\x00\n"))
}
