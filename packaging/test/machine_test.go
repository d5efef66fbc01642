package test

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// machine is a system that boot.sh has booted. It ends with its test.
type machine struct {
	t   *testing.T
	pid int // of its process 1
}

var machines atomic.Int32

// boot starts a root file system that the script has made, with systemd unless another init is given.
func boot(t *testing.T, suite string, init ...string) *machine {
	t.Helper()
	needRoot(t)
	need(t, "unshare")
	root := filepath.Join(folder(), suite)
	if _, err := os.Stat(filepath.Join(root, ".complete")); err != nil {
		if suite == "bookworm" {
			lack(t, "no root file system of %s (packaging/install-test-programs.sh)", suite)
		}
		t.Skipf("no root file system of %s, which is not to be had everywhere", suite)
	}
	scratch, err := os.MkdirTemp("", "superd-machine-")
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("superd-test-%d-%d", os.Getpid(), machines.Add(1))
	cmd := exec.Command("./boot.sh", append([]string{root, scratch, name}, init...)...)
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // Pdeathsig goes by the thread
		started <- cmd.Start()
		_ = cmd.Wait()
		close(started)
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	m := &machine{t: t}
	t.Cleanup(func() {
		if t.Failed() && m.pid != 0 {
			out, _ := m.try("journalctl --no-pager -o short-monotonic -u superd -n 200; systemctl status superd --no-pager; ss -ltnp")
			t.Logf("%s\nboot.sh: %s", out, said.String())
		}
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-started
		cleanGroups(name)
		_ = os.RemoveAll(scratch)
	})
	eventually(t, suite+" boots", func() bool {
		m.pid = child(cmd.Process.Pid)
		if m.pid == 0 || !apart(m.pid) {
			return false
		}
		if len(init) > 0 {
			line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", m.pid)) // the last thing that boot.sh does
			return string(line) == strings.Join(init, "\x00")+"\x00"
		}
		out, _ := m.try("systemctl is-system-running --wait")
		return strings.TrimSpace(out) == "running"
	})
	return m
}

// apart reports whether a process has process ids of its own, as those that boot.sh runs before do not.
func apart(pid int) bool {
	ours, _ := os.Readlink("/proc/self/ns/pid")
	its, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", pid))
	return err == nil && its != ours
}

// child is the only child of a process; 0 if it has none yet.
func child(parent int) int {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if len(fields) > 1 && fields[1] == strconv.Itoa(parent) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			return pid
		}
	}
	return 0
}

// cleanGroups removes the cgroups that boot.sh has made, the innermost first, once their processes are gone.
func cleanGroups(name string) {
	tops, _ := filepath.Glob("/sys/fs/cgroup/*/" + name)
	tops = append(tops, "/sys/fs/cgroup/"+name)
	for _, top := range tops {
		for range 100 {
			var dirs []string
			_ = filepath.WalkDir(top, func(path string, d os.DirEntry, err error) error {
				if err == nil && d.IsDir() {
					dirs = append(dirs, path)
				}
				return nil
			})
			for i := len(dirs) - 1; i >= 0; i-- {
				_ = os.Remove(dirs[i])
			}
			if _, err := os.Stat(top); err != nil {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
}

// command is a shell script inside.
func (m *machine) command(script string) *exec.Cmd {
	return limited(m.t, "nsenter", "-t", strconv.Itoa(m.pid), "-a", "-r", "-w", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
		"TERM=dumb", "DEBIAN_FRONTEND=noninteractive", "sh", "-c", script)
}

func (m *machine) try(script string) (string, error) { return try(m.command(script)) }

// sh runs a script, which must be in order, and returns what it says.
func (m *machine) sh(script string) string {
	m.t.Helper()
	out, err := m.try(script)
	if err != nil {
		m.t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return strings.TrimSpace(out)
}

// fails is sh for a script that must not be in order.
func (m *machine) fails(script string) string {
	m.t.Helper()
	out, err := m.try(script)
	if err == nil {
		m.t.Fatalf("%s: should fail\n%s", script, out)
	}
	return out
}

// bring copies a file of ours into its /tmp.
func (m *machine) bring(path string) string {
	m.t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		m.t.Fatal(err)
	}
	return m.write("/tmp/"+filepath.Base(path), string(text))
}

func (m *machine) write(path, text string) string {
	m.t.Helper()
	m.sh("mkdir -p " + filepath.Dir(path))
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/root%s", m.pid, path), []byte(text), 0o644); err != nil {
		m.t.Fatal(err)
	}
	return path
}

// dial connects to a port of its 127.0.0.1. The socket is made on a thread of its own, in the machine's network.
func (m *machine) dial(port int) (net.Conn, error) {
	type result struct {
		c   net.Conn
		err error
	}
	got := make(chan result)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		c, err := m.dialHere(port)
		got <- result{c, err}
	}()
	r := <-got
	return r.c, r.err
}

// enter moves this thread, which is locked, into the machine's network.
func (m *machine) enter() error {
	ns, err := unix.Open(fmt.Sprintf("/proc/%d/ns/net", m.pid), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(ns)
	return unix.Setns(ns, unix.CLONE_NEWNET)
}

func (m *machine) dialHere(port int) (net.Conn, error) {
	if err := m.enter(); err != nil {
		return nil, err
	}
	return connect(port)
}

func connect(port int) (net.Conn, error) {
	c, err := net.DialTimeout("tcp4", fmt.Sprintf("127.0.0.1:%d", port), patience)
	if err == nil {
		err = c.SetDeadline(time.Now().Add(patience))
	}
	return c, err
}

// answer is all that a port says.
func (m *machine) answer(port int) string {
	m.t.Helper()
	c, err := m.dial(port)
	if err != nil {
		m.t.Fatal(err)
	}
	defer c.Close()
	text, err := io.ReadAll(c)
	if err != nil {
		m.t.Fatal(err)
	}
	return string(text)
}

// load is clients that come one after the other, several at once, until it is stopped.
type load struct {
	m       *machine
	stop    chan struct{}
	clients sync.WaitGroup

	served, cut atomic.Int32
	mu          sync.Mutex
	refused     []error
}

const loadClients = 4

func (m *machine) load(port int, want string) *load {
	l := &load{m: m, stop: make(chan struct{})}
	for range loadClients {
		l.clients.Go(func() {
			runtime.LockOSThread()
			if err := m.enter(); err != nil {
				l.refuse(err)
				return
			}
			for {
				select {
				case <-l.stop:
					return
				default:
				}
				c, err := connect(port)
				if err != nil {
					l.refuse(err)
					continue
				}
				if text, _ := io.ReadAll(c); string(text) == want {
					l.served.Add(1)
				} else {
					l.cut.Add(1)
				}
				_ = c.Close()
			}
		})
	}
	l.more()
	return l
}

func (l *load) refuse(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refused = append(l.refused, err)
}

// more waits until further clients have been served.
func (l *load) more() {
	l.m.t.Helper()
	before := l.served.Load()
	eventually(l.m.t, "clients are served", func() bool { return l.served.Load() > before+20 })
}

// end wants that nobody was refused, and that at most so many were cut short: those whom a daemon had taken when it ended.
func (l *load) end(what string, cut int) {
	l.m.t.Helper()
	l.more()
	close(l.stop)
	l.clients.Wait()
	if len(l.refused) > 0 {
		l.m.t.Errorf("%s: %d clients were refused: %v", what, len(l.refused), l.refused[0])
	}
	if n := int(l.cut.Load()); n > cut {
		l.m.t.Errorf("%s: %d clients were cut short, more than %d", what, n, cut)
	}
	l.m.t.Logf("%s: %d clients served, %d cut short, none refused", what, l.served.Load(), l.cut.Load())
}
