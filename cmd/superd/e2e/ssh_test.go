package e2e

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestSSH logs in by key through sshd -i.
func TestSSH(t *testing.T) {
	needRoot(t)
	sshd, ssh, keygen := need(t, "sshd"), need(t, "ssh"), need(t, "ssh-keygen")
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil { // where sshd's unprivileged half is locked in
		t.Fatal(err)
	}
	s := newSite(t)
	for _, key := range []string{"host", "user"} {
		client(t, keygen, "-q", "-t", "ed25519", "-N", "", "-f", s.path(key))
	}
	public, err := os.ReadFile(s.path("user.pub"))
	if err != nil {
		t.Fatal(err)
	}
	s.write("authorized_keys", string(public))
	hostKey, err := os.ReadFile(s.path("host.pub"))
	if err != nil {
		t.Fatal(err)
	}
	s.write("known_hosts", "[$ADDR]:2222 "+string(hostKey))
	s.write("sshd_config", `
HostKey $DIR/host
AuthorizedKeysFile $DIR/authorized_keys
StrictModes no
UsePAM no
UseDNS no
PidFile none
PasswordAuthentication no
PermitRootLogin prohibit-password
`)
	s.ship("ssh.hcl", "/usr/sbin/sshd", sshd, `["-i"]`, `["-i", "-f", "$DIR/sshd_config", "-E", "$DIR/sshd.log"]`, "wait         = false", "wait = false\n  port = 2222")
	d := s.start()
	t.Cleanup(func() {
		if log, err := os.ReadFile(s.path("sshd.log")); err == nil && t.Failed() {
			t.Logf("the log of sshd:\n%s", log)
		}
	})
	login := func(command string) *exec.Cmd {
		return exec.Command(ssh, "-F", "none", "-i", s.path("user"), "-p", "2222",
			"-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "ConnectTimeout=15",
			"-o", "StrictHostKeyChecking=yes", "-o", "UserKnownHostsFile="+s.path("known_hosts"),
			"root@"+s.addr, command)
	}

	out, err := login("echo $((6*7)); exit 3").Output()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 3 || string(out) != "42\n" {
		t.Fatalf("the remote command says %q, %v", out, err)
	}

	original := randomFile(t, s.path("original"), transferSize)
	through := login("cat")
	through.Stdin, err = os.Open(original)
	if err != nil {
		t.Fatal(err)
	}
	copied, err := os.Create(filepath.Join(s.dir, "copied"))
	if err != nil {
		t.Fatal(err)
	}
	through.Stdout = copied
	if err := through.Run(); err != nil {
		t.Fatal(err)
	}
	_ = copied.Close()
	sameFile(t, original, copied.Name())
	d.waitLog(`\bEXIT\b.*\bservice=ssh\b`)
}
