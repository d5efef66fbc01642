package superd

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"superd/superd/admit"
	"superd/superd/control"
	"superd/superd/selinux"
)

// A service that has got the flag LABELED, on a kernel that has no labels to give, serves nobody, and others go on.
func TestNobodyIsServedWithoutALabel(t *testing.T) {
	if selinux.Ready() == nil {
		t.Skip("this machine has SELinux")
	}
	who, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	tcp, _ := freePorts(t)
	dir := t.TempDir()
	text := ""
	for i, id := range []string{"plain", "labeled"} {
		text += fmt.Sprintf("service %q {\n socket_type = \"stream\"\n wait = false\n user = %q\n server = \"/bin/cat\"\n bind = \"127.0.0.1\"\n port = %d\n}\n", id, who.Username, tcp+i)
	}
	if err := os.WriteFile(filepath.Join(dir, "superd.hcl"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var log safeBuffer
	d, first, diags := load(t, dir, &log)
	first.Services[1].Labeled = true // as on a machine that had SELinux when it was loaded
	if err := d.begin(first, diags); err != nil {
		t.Fatal(err)
	}
	defer d.end(syscall.SIGTERM, nil)
	for i, want := range []string{"hello\n", "", "hello\n", ""} {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", tcp+i%2))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, "hello\n") // who is refused may be gone
		_ = c.(*net.TCPConn).CloseWrite()
		if got, _ := io.ReadAll(c); string(got) != want {
			t.Errorf("%d: %q, want %q", i, got, want)
		}
		c.Close()
	}
	eventually(t, "both refusals are logged", func() bool {
		return strings.Count(log.String(), ` REFUSE service=labeled`) == 2 &&
			strings.Count(log.String(), `verdict=fork detail="security label of the peer: nothing has labelled its connection`) == 2
	})
	if strings.Contains(log.String(), "START service=labeled") || strings.Contains(log.String(), "context=") {
		t.Error(log.String())
	}

	x := ExplainFiles(context.Background(), first, first.Services[1], control.Question{Service: "labeled", Address: netip.MustParseAddr("127.0.0.1")})
	if !slices.ContainsFunc(x.Steps, func(s control.Step) bool {
		return s.Verdict == admit.Fork.String() && s.OK && strings.Contains(s.Text, "without a label it is not started")
	}) {
		t.Errorf("%+v", x.Steps)
	}
}
