package e2e

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// stage is where one server plays a scenario: a folder, a thread in a network namespace with nothing but lo, and in a mount
// namespace where the scenario's etc/hosts.allow and etc/hosts.deny are the machine's.
type stage struct {
	*scenario
	server
	dir     string
	cmd     *exec.Cmd
	ended   chan struct{} // closed when the server's process is reaped
	conns   map[string]net.Conn
	rpc     portmap
	log3164 *net.UnixConn // the stage's own /dev/log
	said    []string
	logAt   int // lines of the service log that were shown already
}

// play runs the script and returns what there was to be seen. What goes wrong with the test itself is its error.
func (s *scenario) play(t *testing.T, d server) []string {
	dir, err := os.MkdirTemp("", "superd-differential-")
	if err != nil {
		t.Error(err)
		return nil
	}
	defer os.RemoveAll(dir)
	st := &stage{scenario: s, server: d, dir: dir, conns: map[string]net.Conn{}}
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with its namespaces
		done <- st.run()
	}()
	if err := <-done; err != nil {
		daemon, _ := os.ReadFile(st.path("daemon.log"))
		t.Errorf("%s: %v\n%s\n%s", d.name, err, strings.Join(st.said, "\n"), daemon)
	}
	return st.said
}

func (s *stage) run() (err error) {
	defer s.clear()
	if err := os.Chmod(s.dir, 0o755); err != nil {
		return err
	}
	for _, f := range s.files {
		if err := s.write(f.Name, string(f.Data)); err != nil {
			return err
		}
	}
	if err := s.separate(); err != nil {
		return err
	}
	for _, line := range s.script {
		if err := s.step(line); err != nil {
			return fmt.Errorf("%s: %w", line, err)
		}
	}
	return nil
}

func (s *stage) path(name string) string { return filepath.Join(s.dir, name) }

// write makes a file; one with a #! can be run. A line that ends in ! ends there, without a newline. $CLOSED, $OPEN and $ROUND are for access_times.
func (s *stage) write(name, text string) error {
	text = strings.NewReplacer("$DIR", s.dir, "$PROBE", s.probe, "$CLOSED", closedNow(), "$OPEN", openNow(), "$ROUND", roundMidnight(), "!\n", "").Replace(text)
	if err := os.MkdirAll(filepath.Dir(s.path(name)), 0o755); err != nil {
		return err
	}
	mode := os.FileMode(0o644)
	if strings.HasPrefix(text, "#!") {
		mode = 0o755
	}
	if err := os.WriteFile(s.path(name)+"~", []byte(text), mode); err != nil {
		return err
	}
	return os.Rename(s.path(name)+"~", s.path(name))
}

// roundMidnight is hours that go over midnight, and it is one of them.
func roundMidnight() string {
	if time.Now().Hour() < 12 {
		return "23:00-12:59"
	}
	return "12:00-6:00"
}

// closedNow is an hour of the day that is not near.
func closedNow() string {
	if time.Now().Hour() < 12 {
		return "21:00-22:00"
	}
	return "02:00-03:00"
}

// openNow are some minutes around this one.
func openNow() string {
	now := time.Now()
	from, to := now.Add(-2*time.Minute), now.Add(5*time.Minute)
	if from.Day() != now.Day() {
		return "0:00-0:10"
	}
	if to.Day() != now.Day() {
		return from.Format("15:04") + "-23:59"
	}
	return from.Format("15:04") + "-" + to.Format("15:04")
}

// separate moves this thread into namespaces of its own.
func (s *stage) separate() error {
	if err := unix.Unshare(unix.CLONE_NEWNET | unix.CLONE_NEWNS | unix.CLONE_FS); err != nil {
		return fmt.Errorf("no namespaces: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	for _, name := range []string{"hosts.allow", "hosts.deny"} {
		from, to := s.path("etc/"+name), "/etc/"+name
		if _, err := os.Stat(from); err != nil {
			from = "/dev/null" // what the machine has is none of the scenario's business
		}
		if _, err := os.Stat(to); err != nil && from == "/dev/null" {
			continue
		}
		if err := unix.Mount(from, to, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("bind %s: %w (packaging/install-test-programs.sh)", to, err)
		}
	}
	unix.Umask(0o022)
	if err := unix.Setpriority(unix.PRIO_PROCESS, 0, 0); err != nil { // this thread's, whatever the tests run at
		return err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo)
}

// begin starts the server on a configuration.
func (s *stage) begin(conf string) error {
	if err := s.force(conf); err != nil {
		return err
	}
	cmd, env := s.command(s)
	cmd.Env = append([]string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C", "COLOUR=blue", "SHAPE=round"}, env...)
	cmd.Dir = "/"
	out, err := os.Create(s.path("output"))
	if err != nil {
		return err
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	before, _ := os.ReadFile(s.path("daemon.log"))
	if err := cmd.Start(); err != nil {
		return err
	}
	s.cmd, s.ended = cmd, make(chan struct{})
	go func() { _ = cmd.Wait(); close(s.ended) }()
	return s.awaitDaemon(len(before), s.ready)
}

func (s *stage) force(conf string) error {
	text, err := os.ReadFile(s.path(conf))
	if err != nil {
		return err
	}
	return s.prepare(s, string(text))
}

// awaitDaemon waits until the daemon's own log matches from an offset on.
func (s *stage) awaitDaemon(from int, re *regexp.Regexp) error {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		text, _ := os.ReadFile(s.path("daemon.log"))
		if len(text) > from && re.Match(text[from:]) {
			return nil
		}
		select {
		case <-s.ended:
			output, _ := os.ReadFile(s.path("output"))
			return fmt.Errorf("it has ended\n%s", output)
		default:
		}
	}
	return fmt.Errorf("the daemon does not say %q", re)
}

// clear ends what runs in the stage's network namespace, which nobody else does.
func (s *stage) clear() {
	for _, c := range s.conns {
		_ = c.Close()
	}
	if s.log3164 != nil {
		defer s.log3164.Close()
	}
	defer func() { _ = s.rpcbind("stop") }() // when the server has withdrawn what it has there
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.ended:
	case <-time.After(patience):
		_ = s.cmd.Process.Kill()
		<-s.ended
	}
	own, err := os.Readlink("/proc/thread-self/ns/net")
	if err != nil {
		return
	}
	self := os.Getpid()
	processes, _ := filepath.Glob("/proc/[0-9]*/ns/net")
	for _, link := range processes {
		var pid int
		if net, err := os.Readlink(link); err != nil || net != own {
			continue
		}
		if _, err := fmt.Sscanf(link, "/proc/%d/", &pid); err == nil && pid != self {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

func (s *stage) say(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		line = strings.NewReplacer(s.dir, "$DIR", s.probe, "$PROBE").Replace(line)
		s.said = append(s.said, timeOfDay.ReplaceAllString(line, "DAYTIME"))
	}
}

var timeOfDay = regexp.MustCompile(`[0-3]\d [A-Z]{3} 20\d\d \d\d:\d\d:\d\d UTC`)

var errUsage = errors.New("unknown step, or wrong arguments")
