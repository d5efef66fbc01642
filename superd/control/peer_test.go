package control

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// TestWrongUser: another user cannot connect, or where the mode lets them, may look and not change, nor see what files say.
func TestWrongUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to be somebody else")
	}
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("install curl")
	}
	ask := func(path, method, target string, gid uint32) string {
		cmd := exec.Command(curl, "-s", "-S", "--unix-socket", path, "-X", method, "http://superd"+target)
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534, Groups: []uint32{gid}}}
		out, _ := cmd.CombinedOutput() // its status only repeats what it prints
		return string(out)
	}
	closed, _ := open(t, &stage{}, 0o660)
	if out := ask(closed, "GET", "/v1/", 65533); !strings.Contains(out, "connect") {
		t.Errorf("mode 0660, another group: %s", out)
	}
	const group = 4711
	grouped, _ := open(t, &stage{}, 0o600)
	if err := os.Chown(grouped, -1, group); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(grouped, 0o660); err != nil {
		t.Fatal(err)
	}
	if out := ask(grouped, "GET", "/v1/", group); !strings.Contains(out, "may look") {
		t.Errorf("the file lets the group in, and the daemon knows nothing of it: %s", out)
	}
	everybody, _ := open(t, &stage{}, 0o666)
	if out := ask(everybody, "GET", "/v1/status", 65533); !strings.Contains(out, `"version": 1`) {
		t.Errorf("mode 0666, looking: %s", out)
	}
	for _, target := range []string{"reload", "pause?service=a", "resume?service=a", "kick?connection=1"} {
		if out := ask(everybody, "POST", "/v1/"+target, 65533); !strings.Contains(out, "only root and the daemon's own user may change anything") {
			t.Errorf("mode 0666, %s: %s", target, out)
		}
	}
	patiently := func(target string) (out string) { // what is dear is answered now and then
		eventually(t, target, func() bool {
			out = ask(everybody, "GET", target, 65533)
			return !strings.Contains(out, "too many are asking")
		})
		return out
	}
	if out := patiently("/v1/plan?file=/etc/shadow"); !strings.Contains(out, "another file") {
		t.Errorf("another file: %s", out)
	}
	if out := patiently("/v1/plan"); strings.Contains(out, "secret") || !strings.Contains(out, "Wrong") {
		t.Errorf("diagnostics quote the files: %s", out)
	}
}

// TestGroup: a member of the socket's group, be it by a supplementary group, may look.
func TestGroup(t *testing.T) {
	member := Peer{Uid: 1000, Gids: []uint32{1000, 4}}
	for _, c := range []struct {
		a    Access
		p    Peer
		look bool
	}{
		{Access{0o660, 4}, member, true}, {Access{0o660, 5}, member, false}, {Access{0o600, 4}, member, false},
		{Access{0o666, 5}, member, true}, {Access{0o600, 0}, Peer{Trusted: true}, true},
	} {
		if got := c.p.may(c.a, false); got != c.look {
			t.Errorf("%+v, %+v may look: %v", c.a, c.p, got)
		}
		if got := c.p.may(c.a, true); got != c.p.Trusted {
			t.Errorf("%+v, %+v may change: %v", c.a, c.p, got)
		}
	}
}
