package e2e

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// portmap is the stage's own rpcbind: /run of the stage is its, and so are the network and port 111 in it.
type portmap struct {
	cmd   *exec.Cmd
	ports map[string]string // by program, version and netid, when they were last shown
}

const rpcSocket = "/run/rpcbind.sock"

// rpcbind does the steps "rpcbind" and "rpcbind stop".
func (s *stage) rpcbind(what string) error {
	if s.rpc.cmd != nil {
		_ = s.rpc.cmd.Process.Kill()
		_ = s.rpc.cmd.Wait()
		s.rpc.cmd = nil
		_ = os.Remove(rpcSocket)
	}
	if what == "stop" {
		return nil
	}
	if err := ownRun(); err != nil {
		return err
	}
	cmd := exec.Command("/usr/sbin/rpcbind", "-f")
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	s.rpc.cmd = cmd
	// rpcbind tells nobody when it is ready.
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if c, err := net.Dial("unix", rpcSocket); err == nil {
			return c.Close()
		}
	}
	return errors.New("rpcbind does not begin")
}

// ownRun makes /run empty, but for the folder that rpcbind wants, in this mount namespace.
func ownRun() error {
	if _, err := os.Stat("/run/rpcbind/of-the-stage"); err == nil {
		return nil
	}
	if err := unix.Mount("tmpfs", "/run", "tmpfs", 0, "mode=0755"); err != nil {
		return err
	}
	if err := os.Mkdir("/run/rpcbind", 0o755); err != nil {
		return err
	}
	owner, err := user.Lookup("_rpc")
	if err != nil {
		return err
	}
	uid, _ := strconv.Atoi(owner.Uid)
	if err := os.Chown("/run/rpcbind", uid, -1); err != nil {
		return err
	}
	return os.WriteFile("/run/rpcbind/of-the-stage", nil, 0o644)
}

// mapping is a line of rpcinfo.
type mapping struct{ program, version, netid, host, port, owner string }

func (m mapping) key() string { return m.program + " " + m.version + " " + m.netid }

// mapped is what rpcbind has besides itself.
func (s *stage) mapped() ([]mapping, error) {
	out, err := exec.Command("/usr/sbin/rpcinfo").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("rpcinfo: %w: %s", err, out)
	}
	var all []mapping
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) < 5 || f[0] == "100000" || f[0] == "program" {
			continue
		}
		parts := strings.Split(f[3], ".") // RFC 5665: the port is the last two of them
		n := len(parts)
		if n < 3 {
			return nil, fmt.Errorf("rpcinfo says %q", line)
		}
		high, _ := strconv.Atoi(parts[n-2])
		low, _ := strconv.Atoi(parts[n-1])
		all = append(all, mapping{f[0], f[1], f[2], strings.Join(parts[:n-2], "."), strconv.Itoa(high<<8 | low), f[len(f)-1]})
	}
	slices.SortFunc(all, func(a, b mapping) int { return strings.Compare(a.key(), b.key()) })
	return all, nil
}

// showMap does the step "map": superd tells rpcbind when it is ready, xinetd before, so there is something to wait for.
func (s *stage) showMap(count string) error {
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	var all []mapping
	for end := time.Now().Add(endless); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if all, err = s.mapped(); err != nil {
			return err
		}
		if len(all) == n {
			break
		}
	}
	ports := map[string]string{}
	for _, m := range all {
		port := "a port"
		switch number, _ := strconv.Atoi(m.port); {
		case s.rpc.ports[m.key()] == m.port:
			port = "the port of before"
		case s.rpc.ports[m.key()] != "":
			port = "another port than before"
		case 7000 <= number && number < 7100:
			port = m.port // the scenario's
		}
		s.say("map: %s %s, %s, of %s", m.key(), m.host, port, m.owner)
		ports[m.key()] = m.port
	}
	if len(all) == 0 {
		s.say("map: empty")
	}
	s.rpc.ports = ports
	return nil
}

// port is where to call: a port, or "PROGRAM/VERSION/NETID" as rpcbind knows it; "" and a line if it does not.
func (s *stage) port(name string) (string, error) {
	if !strings.Contains(name, "/") {
		return name, nil
	}
	all, err := s.mapped()
	if err != nil {
		return "", err
	}
	for _, m := range all {
		if m.key() == strings.ReplaceAll(name, "/", " ") {
			return m.port, nil
		}
	}
	s.say("rpcbind does not know %s", name)
	return "", nil
}

// client does the step "client": a real one, whose words are shown.
func (s *stage) client(line string) error {
	words := strings.Fields(line)
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir = "/"
	out, err := cmd.CombinedOutput()
	for line := range strings.Lines(string(out)) {
		s.say("%s> %s", words[0], visible(line))
	}
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		s.say("%s: %s", words[0], ended)
		return nil
	}
	return err
}
