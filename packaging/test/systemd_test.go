package test

import (
	"bufio"
	"fmt"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"
)

// services are added to those that the package ships: a quick one for the load, and one that holds a session.
const services = `
defaults {
  cps       = [0, 0]
  instances = "UNLIMITED"
  per_source = "UNLIMITED"
}
service "greet" {
  type        = "UNLISTED"
  port        = 7007
  bind        = "127.0.0.1"
  socket_type = "stream"
  wait        = false
  user        = "nobody"
  server      = "/bin/echo"
  server_args = ["hello"]
}
service "session" {
  type        = "UNLISTED"
  port        = 7008
  bind        = "127.0.0.1"
  socket_type = "stream"
  wait        = false
  user        = "nobody"
  server      = "/bin/cat"
}
`

// oldService is a service of xinetd that is to come over.
const oldService = `service old
{
	type        = UNLISTED
	port        = 7055
	bind        = 127.0.0.1
	socket_type = stream
	protocol    = tcp
	wait        = no
	user        = nobody
	server      = /bin/echo
	server_args = old
	disable     = no
}
`

func TestBookworm(t *testing.T) { life(t, "bookworm") }
func TestTrixie(t *testing.T)   { life(t, "trixie") }

// life is that of a package: installed, used, hurt, upgraded, removed, purged.
func life(t *testing.T, suite string) {
	first, second := deb(t, oldVersion), deb(t, newVersion)
	m := boot(t, suite)
	t.Log(strings.SplitN(m.sh("systemctl --version"), "\n", 2)[0])
	hasXinetd := strings.Contains(m.sh("ls /etc"), "xinetd.conf")
	if hasXinetd {
		m.write("/etc/xinetd.d/old", oldService)
		m.sh("systemctl restart xinetd")
		eventually(t, "xinetd serves", func() bool { c, err := m.dial(7055); return err == nil && c.Close() == nil })
		if text := m.answer(7055); text != "old\n" {
			t.Fatalf("xinetd says %q", text)
		}
	}
	before := m.sh("find /etc/xinetd* -type f -exec md5sum {} + 2>/dev/null || true")

	out := m.sh("apt-get install -y " + m.bring(first))
	advice := regexp.MustCompile(`(?m)^  (superd convert .*\n(?:  .*\n?)+)`).FindStringSubmatch(strings.ReplaceAll(out, "\r", "")) // apt writes as to a terminal
	if hasXinetd && advice == nil {
		t.Errorf("the package does not say how to move over:\n%s", out)
	}
	if state := m.sh("systemctl is-active superd; systemctl is-enabled superd"); state != "active\nenabled" {
		t.Fatalf("after the installation superd is %s", state)
	}
	if date := m.answer(13); !strings.Contains(date, "20") || !strings.HasSuffix(date, "\r\n") {
		t.Errorf("daytime says %q", date)
	}
	if status := m.sh("systemctl show -p StatusText superd"); !strings.Contains(status, " services on ") {
		t.Errorf("the status is %q", status)
	}
	if out := m.sh("systemd-analyze verify superd.service 2>&1 | grep -v \"Command 'man \" || true"); out != "" {
		t.Errorf("systemd-analyze verify: %s", out)
	}
	if id := m.sh("id superd; stat -c '%a %U %G' /run/superd /var/lib/superd /var/log/superd"); !strings.HasSuffix(id, "755 root root\n750 root root\n750 root adm") {
		t.Error(id)
	}

	m.write("/etc/superd/superd.hcl", "# edited\n"+services+"include = [\"conf.d/*.hcl\"]\n")
	m.sh("systemctl reload superd")
	eventually(t, "the reload is in force", func() bool {
		c, err := m.dial(7007)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	if text := m.answer(7007); text != "hello\n" {
		t.Errorf("hello says %q", text)
	}
	reloadFails(m)

	l := m.load(7007, "hello\n")
	for range 3 {
		m.sh("systemctl restart superd")
		l.more()
	}
	l.end("three restarts", 3*loadClients)

	s := m.session(7008)
	l = m.load(7007, "hello\n")
	for range 3 {
		was := m.mainPid()
		m.sh("kill -KILL " + was)
		m.newMain(was)
		l.more()
	}
	l.end("three times KILL", 3*loadClients)
	s.goesOn("a session after the daemon was killed")

	m.watchdog()
	m.wrongConfiguration()
	m.upgrade(second, s)
	m.socketUnit()
	if strings.Contains(m.sh("systemctl --version"), "systemd 257") {
		m.notifyReload()
	}
	m.hardened()

	// What the package has said about xinetd, word for word.
	if hasXinetd {
		m.sh("set -e; " + advice[1])
		m.fails("systemctl is-active xinetd")
		eventually(t, "superd has xinetd's service", func() bool { c, err := m.dial(7055); return err == nil && c.Close() == nil })
		if text := m.answer(7055); text != "old\n" {
			t.Errorf("the converted service says %q", text)
		}
		m.sh("systemctl stop superd && systemctl enable xinetd && systemctl start xinetd superd")
	}

	// Removing stops it and keeps what was configured; purging leaves nothing but the user.
	m.sh("apt-get remove -y superd")
	if c, err := m.dial(13); err == nil {
		_ = c.Close()
		t.Error("a port is open though superd is removed")
	}
	m.sh("test -e /etc/superd/superd.hcl && ! test -e /usr/sbin/superd")
	m.sh("apt-get purge -y superd")
	if left := m.sh("find / -xdev -name '*superd*' -not -path '/proc/*' -not -path '/tmp/*' -not -path '/sys/*' -not -path '/var/log/journal/*'"); left != "" {
		t.Errorf("left after the purge:\n%s", left)
	}
	if out := m.sh("systemctl list-units --all --no-legend 'superd*'"); out != "" {
		t.Errorf("units after the purge: %s", out)
	}
	if state := m.sh("systemctl is-system-running || systemctl --failed --no-pager"); state != "running" {
		t.Errorf("the system is %s", state)
	}
	if hasXinetd {
		m.sh("systemctl is-active xinetd")
		if after := m.sh("find /etc/xinetd* -type f -exec md5sum {} +"); after != before {
			t.Errorf("xinetd's files were\n%s\nand are\n%s", before, after)
		}
		m.rpm()
	}
}

func (m *machine) mainPid() string {
	m.t.Helper()
	return m.sh("systemctl show -p MainPID --value superd")
}

// newMain waits until another daemon serves.
func (m *machine) newMain(was string) {
	m.t.Helper()
	eventually(m.t, "another daemon serves", func() bool {
		out, _ := m.try("systemctl is-active superd && systemctl show -p MainPID --value superd")
		state, pid, _ := strings.Cut(strings.TrimSpace(out), "\n")
		return state == "active" && pid != was && pid != "0"
	})
}

// reloadFails: a mistake fails the reload, says where it is, and changes nothing.
func reloadFails(m *machine) {
	m.t.Helper()
	m.write("/etc/superd/conf.d/broken.hcl", "service \"greet2\" {\n  prot = 7\n}\n")
	m.fails("systemctl reload superd")
	if log := m.sh("journalctl -u superd --no-pager -n 30"); !strings.Contains(log, "broken.hcl:2") {
		m.t.Errorf("the journal does not say where the mistake is:\n%s", log)
	}
	if text := m.answer(7007); text != "hello\n" {
		m.t.Errorf("after a failed reload hello says %q", text)
	}
	m.sh("rm /etc/superd/conf.d/broken.hcl; systemctl is-active superd")
}

// watchdog: a daemon that hangs is replaced, and nobody is refused meanwhile.
func (m *machine) watchdog() {
	m.t.Helper()
	m.sh("systemctl reset-failed superd")
	m.write("/etc/systemd/system/superd.service.d/test.conf", "[Service]\nWatchdogSec=2\nTimeoutAbortSec=1\n")
	m.sh("systemctl daemon-reload && systemctl restart superd")
	l := m.load(7007, "hello\n")
	was := m.mainPid()
	m.sh("kill -STOP " + was)
	m.newMain(was)
	l.end("a daemon that hangs", loadClients)
	m.sh("journalctl -u superd --no-pager | grep -q 'Watchdog timeout'")
	m.sh("rm -r /etc/systemd/system/superd.service.d && systemctl daemon-reload && systemctl restart superd")
}

// wrongConfiguration has an exit status of its own, after which systemd does not try again.
func (m *machine) wrongConfiguration() {
	m.t.Helper()
	m.sh("systemctl reset-failed superd") // forgets how often it was started in the last minute
	m.write("/etc/superd/conf.d/broken.hcl", "nonsense")
	m.fails("systemctl restart superd")
	if how := m.sh("systemctl show -p ActiveState -p ExecMainStatus -p Result superd"); how != "Result=exit-code\nExecMainStatus=2\nActiveState=failed" &&
		!(strings.Contains(how, "ExecMainStatus=2") && strings.Contains(how, "ActiveState=failed")) {
		m.t.Errorf("a wrong configuration makes %s", how)
	}
	m.sh("rm /etc/superd/conf.d/broken.hcl; systemctl reset-failed superd; systemctl start superd")
	if text := m.answer(7007); text != "hello\n" {
		m.t.Errorf("after the mistake hello says %q", text)
	}
}

// upgrade keeps what was edited, the sockets, and the sessions that there are.
func (m *machine) upgrade(second string, old *session) {
	m.t.Helper()
	s := m.session(7008)
	path := m.bring(second)
	l := m.load(7007, "hello\n")
	was := m.mainPid()
	m.sh("apt-get install -y " + path)
	m.newMain(was)
	l.end("an upgrade", 3*loadClients)
	if v := m.sh("/proc/" + m.mainPid() + "/exe version"); !strings.HasPrefix(v, "superd "+newVersion+" ") {
		m.t.Errorf("after the upgrade %s runs", v)
	}
	m.sh("head -n 1 /etc/superd/superd.hcl | grep -qx '# edited'")
	s.goesOn("a session after the upgrade")
	old.goesOn("a session that was there before a crash, after the upgrade")
	s.end()
	old.end()
}

// socketUnit: the example of the package starts superd with the first client, and superd adopts what it is handed.
func (m *machine) socketUnit() {
	m.t.Helper()
	m.sh("systemctl stop superd")
	if c, err := m.dial(13); err == nil {
		_ = c.Close()
		m.t.Error("a port is open though superd is stopped")
	}
	m.sh("cp /usr/share/doc/superd/examples/superd.socket /etc/systemd/system/ && systemctl daemon-reload && systemctl start superd.socket")
	m.fails("systemctl is-active superd")
	if date := m.answer(13); !strings.Contains(date, "20") {
		m.t.Errorf("daytime says %q", date)
	}
	m.newMain("0") // who answers may not have said yet that it is ready
	if log := m.sh("journalctl -u superd --no-pager -n 5"); strings.Contains(log, "WARNING") || strings.Contains(log, "BIND-FAILED") {
		m.t.Errorf("not every socket was adopted:\n%s", log)
	}
	m.sh("systemctl stop superd.socket superd && rm /etc/systemd/system/superd.socket && systemctl daemon-reload && systemctl start superd")
}

// notifyReload is a reload that systemd itself follows, where it can.
func (m *machine) notifyReload() {
	m.t.Helper()
	m.write("/etc/systemd/system/superd.service.d/test.conf", "[Service]\nType=notify-reload\nExecReload=\n")
	m.sh("systemctl daemon-reload && systemctl restart superd")
	m.write("/etc/superd/conf.d/more.hcl", strings.ReplaceAll(services[strings.Index(services, "service"):strings.Index(services, "service \"session\"")], "7007", "7017 \n id = \"more\""))
	m.sh("systemctl reload superd")
	if text := m.answer(7017); text != "hello\n" { // at once: the reload has waited
		m.t.Errorf("more says %q", text)
	}
	m.sh("rm -r /etc/systemd/system/superd.service.d /etc/superd/conf.d/more.hcl && systemctl daemon-reload && systemctl restart superd")
}

// hardened: the drop-in denies what it says, and services go on.
func (m *machine) hardened() {
	m.t.Helper()
	m.sh("systemctl reset-failed superd")
	m.sh("mkdir -p /etc/systemd/system/superd.service.d && cp /usr/share/doc/superd/examples/hardened.conf /etc/systemd/system/superd.service.d/")
	m.sh("systemctl daemon-reload && systemctl restart superd")
	if text := m.answer(7007); text != "hello\n" {
		m.t.Errorf("hardened, hello says %q", text)
	}
	s := m.session(7008)
	s.goesOn("a hardened session")
	s.end()
	m.t.Log(m.sh("systemd-analyze security --no-pager superd.service | tail -n 1"))
	if out := m.sh("systemd-analyze verify superd.service 2>&1 | grep -v \"Command 'man \" || true"); out != "" {
		m.t.Errorf("systemd-analyze verify: %s", out)
	}
	if nnp := m.sh("grep NoNewPrivs /proc/" + m.mainPid() + "/status"); !strings.HasSuffix(nnp, "1") {
		m.t.Error(nnp)
	}
	m.sh("systemctl reload superd && systemctl restart superd && rm -r /etc/systemd/system/superd.service.d && systemctl daemon-reload && systemctl restart superd")
}

// rpm installs, upgrades and erases the other package. The machine is a Debian, so only its scriptlets and files are at stake.
func (m *machine) rpm() {
	m.t.Helper()
	first, second := m.bring(rpm(m.t, oldVersion)), m.bring(rpm(m.t, newVersion))
	install := "rpm --force-debian --nodeps "
	m.sh(install + "-i " + first)
	m.sh("systemctl is-active superd && systemctl is-enabled superd")
	m.write("/etc/superd/superd.hcl", "# edited\n"+services+"include = [\"conf.d/*.hcl\"]\n")
	m.sh("systemctl restart superd")
	s := m.session(7008)
	l := m.load(7007, "hello\n")
	was := m.mainPid()
	m.sh(install + "-U " + second)
	m.newMain(was)
	l.end("an upgrade by rpm", 3*loadClients)
	if v := m.sh("/proc/" + m.mainPid() + "/exe version"); !strings.HasPrefix(v, "superd "+newVersion+" ") {
		m.t.Errorf("after the upgrade by rpm %s runs", v)
	}
	s.goesOn("a session after the upgrade by rpm")
	s.end()
	m.sh("head -n 1 /etc/superd/superd.hcl | grep -qx '# edited'")
	if out := m.sh("rpm -V --nodeps superd || true"); strings.Contains(out, "/usr/sbin/superd") || strings.Contains(out, "missing") {
		m.t.Errorf("rpm -V: %s", out)
	}
	m.sh(install + "-e superd")
	m.fails("systemctl is-active superd")
	m.sh("! test -e /usr/sbin/superd && test -e /etc/superd/superd.hcl.rpmsave")
}

// session is a connection that lasts.
type session struct {
	m    *machine
	conn net.Conn
	r    *bufio.Reader
	n    int
}

func (m *machine) session(port int) *session {
	m.t.Helper()
	c, err := m.dial(port)
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { _ = c.Close() })
	s := &session{m: m, conn: c, r: bufio.NewReader(c)}
	s.goesOn("a new session")
	return s
}

// goesOn wants the session's program to answer.
func (s *session) goesOn(what string) {
	s.m.t.Helper()
	_ = s.conn.SetDeadline(time.Now().Add(patience))
	s.n++
	line := fmt.Sprintf("line %d\n", s.n)
	if _, err := s.conn.Write([]byte(line)); err != nil {
		s.m.t.Fatalf("%s: %v", what, err)
	}
	if got, err := s.r.ReadString('\n'); err != nil || got != line {
		s.m.t.Fatalf("%s: %q, %v", what, got, err)
	}
}

func (s *session) end() { _ = s.conn.Close() }
