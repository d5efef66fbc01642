package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// contain runs superd as process 1 of new namespaces in a root file system, with the capabilities that are named and no
// others, as a container engine would.
func (s *site) contain(folder, capabilities string, args ...string) *daemon {
	s.t.Helper()
	needRoot(s.t)
	unshare, setpriv := need(s.t, "unshare"), need(s.t, "setpriv")
	namespaces := []string{"--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child", "--mount-proc=" + filepath.Join(folder, "proc")}
	if out, err := try(unshare, append(namespaces, "true")...); err != nil {
		lack(s.t, "no namespaces here: %v %s", err, out)
	}
	command := append(namespaces, setpriv, "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all"+capabilities,
		need(s.t, "chroot"), folder, "/usr/sbin/superd", "run")
	d := s.launch(exec.Command(unshare, append(command, args...)...))
	inside := childrenOf(d.pid)
	if len(inside) != 1 {
		s.t.Fatalf("unshare has the children %v", inside)
	}
	d.pid = inside[0].pid
	return d
}

// TestContainerCTF plays with the capture-the-flag image, as an engine would run it with the capabilities of its Containerfile.
func TestContainerCTF(t *testing.T) {
	needRoot(t)
	need(t, "gcc")
	s := newSite(t)
	image := s.path("image")
	build := exec.CommandContext(t.Context(), filepath.Join(root, "packaging/container/ctf/rootfs.sh"), image)
	build.Env = append(os.Environ(), "CC=gcc", "FLAG=flag{of_the_test}")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for name, capabilities := range map[string]string{
		"as the Containerfile says": ",+setuid,+setgid,+sys_chroot,+kill,+sys_resource",
		"without sys_resource":      ",+setuid,+setgid,+sys_chroot,+kill",
	} {
		t.Run(name, func(t *testing.T) {
			s := *s
			s.t = t
			offset := freeOffset(t)
			play(t, s.contain(image, capabilities, "--strict", "--port-offset", strconv.Itoa(offset)), fmt.Sprintf("127.0.0.1:%d", 1337+offset))
		})
	}
}

func play(t *testing.T, d *daemon, addr string) {
	if answer, err := talk(addr, "0\n"); err != nil || !strings.Contains(answer, "No, it was ") {
		t.Errorf("a wrong guess is answered with %q, %v", answer, err)
	}
	captured := false
	for range 10 { // unless the second is over between the guess and the thought
		answer, err := talk(addr, fmt.Sprintln(guess(time.Now())))
		if captured = err == nil && strings.HasSuffix(answer, "Yes! flag{of_the_test}\n"); captured {
			break
		}
		t.Logf("a good guess is answered with %q, %v", answer, err)
	}
	if !captured {
		t.Error("the flag is not to be captured")
	}

	var players []net.Conn
	for range 5 {
		c := mustDial(t, addr)
		if line, err := bufio.NewReader(c).ReadString('\n'); err != nil || !strings.HasPrefix(line, "I think") {
			t.Fatalf("a player reads %q, %v", line, err)
		}
		players = append(players, c)
	}
	if answer, err := talk(addr, ""); err != nil && answer != "" {
		t.Errorf("the sixth player of one address reads %q, %v", answer, err)
	}
	d.waitLog(`"verdict":"per_source"`)
	for _, c := range childrenOf(d.pid) {
		limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", c.pid))
		if err != nil || !strings.Contains(string(limits), "Max open files            16 ") || !strings.Contains(string(limits), "Max processes             200 ") {
			t.Errorf("a player's program has the limits (%v)\n%s", err, limits)
		}
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.pid))
		if err != nil || !strings.Contains(string(status), "Uid:\t1000\t1000\t1000\t1000\n") || !strings.Contains(string(status), "CapEff:\t0000000000000000\n") {
			t.Errorf("a player's program is (%v)\n%s", err, status)
		}
	}

	// TERM lets the game that is on come to its end, and nobody new in.
	for _, c := range players[1:] {
		_ = c.Close()
	}
	mark := d.mark()
	_ = syscall.Kill(d.pid, syscall.SIGTERM)
	d.waitLogFrom(mark, `STOPPING`)
	if _, err := io.WriteString(players[0], "0\n"); err != nil {
		t.Fatal(err)
	}
	if answer, err := io.ReadAll(players[0]); err != nil || !strings.Contains(string(answer), "No, it was ") {
		t.Errorf("the last player reads %q, %v", answer, err)
	}
	if status := d.exit(); status != 0 {
		t.Errorf("superd ends with %d", status)
	}
}

// guess is the first rand() of the C library after srand(t): its additive feedback generator over 31 words.
func guess(t time.Time) int32 {
	r := make([]int32, 344)
	r[0] = int32(t.Unix())
	for i := 1; i < 31; i++ {
		r[i] = int32((16807 * int64(r[i-1])) % 2147483647)
		if r[i] < 0 {
			r[i] += 2147483647
		}
	}
	for i := 31; i < 34; i++ {
		r[i] = r[i-31]
	}
	for i := 34; i < 344; i++ {
		r[i] = r[i-31] + r[i-3]
	}
	return int32(uint32(r[313]+r[341]) >> 1)
}
