package e2e

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait for something that a healthy daemon does at once; a loaded machine may take its time.
const patience = 15 * time.Second

// demanded is set where nothing may be skipped.
var demanded = os.Getenv("SUPERD_E2E") == "1"

// need returns the path of a program. Without it the test skips, or fails where that is demanded.
func need(t testing.TB, name string) string {
	t.Helper()
	for _, dir := range []string{"", "/usr/local/sbin", "/usr/sbin", "/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	lack(t, "install %s (packaging/install-test-programs.sh)", name)
	return ""
}

// needUnpacked returns the path of a program that the script unpacks instead of installing it.
func needUnpacked(t testing.TB, name string) string {
	t.Helper()
	folder := os.Getenv("SUPERD_TEST_PROGRAMS")
	if folder == "" {
		folder = "/var/cache/superd-test"
	}
	path := filepath.Join(folder, name)
	if _, err := os.Stat(path); err != nil {
		lack(t, "%v (packaging/install-test-programs.sh)", err)
	}
	return path
}

func needRoot(t testing.TB) {
	t.Helper()
	if os.Getuid() != 0 {
		lack(t, "must run as root")
	}
}

func lack(t testing.TB, format string, args ...any) {
	t.Helper()
	if demanded {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// superdBinary is the program under test, built once for all tests.
var superdBinary = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("SUPERD_E2E_BINARY"); path != "" {
		return path, nil
	}
	dir, err := os.MkdirTemp("", "superd-e2e-")
	if err != nil {
		return "", err
	}
	buildDir = dir
	args := []string{"build", "-o", dir}
	if os.Getenv("SUPERD_E2E_RACE") == "1" {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, "superd/cmd/superd")...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return filepath.Join(dir, "superd"), os.Chmod(dir, 0o755) // tests run it as other users, too
})

var buildDir string

func TestMain(m *testing.M) {
	syscall.Umask(0o022)
	status := m.Run()
	if buildDir != "" {
		_ = os.RemoveAll(buildDir)
	}
	os.Exit(status)
}

// site is where one daemon lives: a folder that every user may enter, and a loopback address of its own.
type site struct {
	t    testing.TB
	dir  string
	addr string
}

var sites atomic.Uint32

func newSite(t testing.TB) *site {
	t.Helper()
	dir, err := os.MkdirTemp("", "superd-e2e-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	// The process id keeps two runs on one machine apart; 127.0.0.1 is left to the clients.
	pid := os.Getpid()
	addr := fmt.Sprintf("127.%d.%d.%d", 1+pid/256%250, pid%256, sites.Add(1)%250+1)
	return &site{t: t, dir: dir, addr: addr}
}

func (s *site) path(name string) string { return filepath.Join(s.dir, name) }

// at is an address of the site.
func (s *site) at(port int) string { return fmt.Sprintf("%s:%d", s.addr, port) }

// expand replaces $ADDR and $DIR.
func (s *site) expand(text string) string {
	return strings.NewReplacer("$ADDR", s.addr, "$DIR", s.dir).Replace(text)
}

// write makes a file of the site in one step, so that nobody reads half of it. It expands $ADDR and $DIR.
func (s *site) write(name, text string) string {
	s.t.Helper()
	path := s.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path+"~", []byte(s.expand(text)), 0o644); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(path+"~", path); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// script makes an executable file of the site.
func (s *site) script(name, text string) string {
	s.t.Helper()
	path := s.write(name, text)
	if err := os.Chmod(path, 0o755); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// mkdir makes a folder of the site that belongs, if that is for us to choose, to uid and gid.
func (s *site) mkdir(name string, uid, gid int) string {
	s.t.Helper()
	path := s.path(name)
	if err := os.MkdirAll(path, 0o755); err != nil {
		s.t.Fatal(err)
	}
	if os.Getuid() == 0 {
		if err := os.Chown(path, uid, gid); err != nil {
			s.t.Fatal(err)
		}
	}
	return path
}

// unprivileged is the line of a service that names the user of its program, or nothing where superd is an ordinary
// user's and cannot become another.
func unprivileged() string {
	if os.Getuid() == 0 {
		return `user = "nobody"`
	}
	return ""
}

// usual are the defaults of most tests: every event on stderr, no limit in the way.
const usual = `
defaults {
  log_type       = "STDERR"
  log_on_success = ["PID", "HOST", "DURATION", "EXIT"]
  log_on_failure = ["HOST", "ATTEMPT"]
  cps            = [0, 0]
  bind           = "$ADDR"
}
`

// config writes superd.hcl.
func (s *site) config(text string) {
	s.t.Helper()
	s.write("superd.hcl", text)
}

// command is `superd run` on the site's configuration.
func (s *site) command(args ...string) *exec.Cmd {
	s.t.Helper()
	binary, err := superdBinary()
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command(binary, append([]string{"run", "-c", s.path("superd.hcl"), "--control", "none"}, args...)...)
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), "STATE_DIRECTORY="+s.path("state")) // not the machine's own
	return cmd
}

// daemon is a superd that runs.
type daemon struct {
	*logbook
	t       testing.TB
	pid     int
	exited  chan struct{} // closed when the process is reaped; status is set then
	status  *os.ProcessState
	stopped bool
}

// start runs superd and waits until it is ready. It is stopped at the end of the test, which fails if superd
// did not stay healthy.
func (s *site) start(args ...string) *daemon {
	s.t.Helper()
	return s.launch(s.command(args...))
}

// launch is start with a command that a test has changed.
func (s *site) launch(cmd *exec.Cmd) *daemon {
	s.t.Helper()
	d := s.run(cmd)
	d.waitLog(`\bREADY\b`)
	return d
}

// run starts the command and does not wait for anything.
func (s *site) run(cmd *exec.Cmd) *daemon {
	s.t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		s.t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	_ = w.Close()
	d := &daemon{logbook: newLogbook(), t: s.t, pid: cmd.Process.Pid, exited: make(chan struct{})}
	go func() {
		_ = cmd.Wait()
		d.status = cmd.ProcessState
		close(d.exited)
		// Programs may hold the pipe's other end for longer; what superd wrote is in the pipe by now.
		_ = r.SetReadDeadline(time.Now().Add(time.Second))
	}()
	go func() {
		defer r.Close()
		d.collect(io.Reader(r))
	}()
	s.t.Cleanup(d.finish)
	return d
}

// finish ends the daemon with the test and judges it.
func (d *daemon) finish() {
	if !d.stopped {
		d.stop()
	}
	if ills := d.matching(0, ills); len(ills) > 0 {
		d.t.Errorf("superd is ill: %s", ills[0])
	}
	if d.t.Failed() {
		d.t.Logf("the log of superd:\n%s", d)
	}
}

var ills = regexp.MustCompile(`^panic:|^fatal error:|^runtime: |DATA RACE|^SIG[A-Z]+:|goroutine \d+ \[`)

// waitLog waits for a line that matches, from the start of the log on.
func (d *daemon) waitLog(pattern string) string {
	d.t.Helper()
	return d.waitLogFrom(0, pattern)
}

func (d *daemon) waitLogFrom(mark int, pattern string) string {
	d.t.Helper()
	line, _, err := d.wait(mark, regexp.MustCompile(pattern), patience)
	if err != nil {
		d.t.Fatal(err)
	}
	return line
}

// reload sends HUP and waits until the new configuration is in force.
func (d *daemon) reload() {
	d.t.Helper()
	if err := d.tryReload(); err != nil {
		d.t.Fatal(err)
	}
}

// tryReload is reload for goroutines other than the test's.
func (d *daemon) tryReload() error {
	mark := d.mark()
	if err := syscall.Kill(d.pid, syscall.SIGHUP); err != nil {
		return err
	}
	line, _, err := d.wait(mark, reloadEnd, patience)
	if err == nil && reloadEnd.FindString(line) != "RELOAD" {
		err = fmt.Errorf("the reload failed: %s", line)
	}
	return err
}

var reloadEnd = regexp.MustCompile(`\bRELOAD\b(-[A-Z]+)?`)

// stop sends TERM and expects exit status 0 and no child left behind.
func (d *daemon) stop() {
	d.t.Helper()
	d.stopped = true
	children := childrenOf(d.pid)
	_ = syscall.Kill(d.pid, syscall.SIGTERM)
	if !d.gone(patience) {
		d.t.Errorf("superd does not stop within %v of TERM", patience)
		_ = syscall.Kill(d.pid, syscall.SIGABRT) // its goroutines go to the log
		if !d.gone(patience) {
			_ = syscall.Kill(d.pid, syscall.SIGKILL)
		}
		return
	}
	if code := d.status.ExitCode(); code != 0 {
		d.t.Errorf("superd ended with %v, not with status 0", d.status)
	}
	for _, c := range children {
		if c.lives() {
			d.t.Errorf("superd left its child %d (%s) behind", c.pid, c.name)
			_ = syscall.Kill(c.pid, syscall.SIGKILL)
		}
	}
}

// kill ends superd with SIGKILL and waits until it is gone.
func (d *daemon) kill() {
	d.t.Helper()
	d.stopped = true
	_ = syscall.Kill(d.pid, syscall.SIGKILL)
	if !d.gone(patience) {
		d.t.Fatal("superd survives SIGKILL")
	}
}

// exit waits for superd to end by itself and returns its status.
func (d *daemon) exit() int {
	d.t.Helper()
	d.stopped = true
	if !d.gone(patience) {
		_ = syscall.Kill(d.pid, syscall.SIGKILL)
		d.t.Fatalf("superd still runs after %v", patience)
	}
	_, _, _ = d.wait(0, never, time.Second) // the log is complete when its pipe has ended
	return d.status.ExitCode()
}

var never = regexp.MustCompile(`\A\z.`)

func (d *daemon) gone(patience time.Duration) bool {
	select {
	case <-d.exited:
		return true
	case <-time.After(patience):
		return false
	}
}

// healthy fails the test if superd has ended.
func (d *daemon) healthy() {
	d.t.Helper()
	select {
	case <-d.exited:
		d.t.Fatalf("superd has ended: %v", d.status)
	default:
	}
}
