package selinux

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// What a kernel with SELinux does is tested in one: packaging/test/labeled. Here is what others do, and what a broken one may.

func needNone(t *testing.T) {
	t.Helper()
	if Ready() == nil {
		t.Skip("this machine has SELinux")
	}
}

// connection is one end of a connection over TCP.
func connection(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	file, err := c.(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return int(file.Fd())
}

func TestWithoutSELinux(t *testing.T) {
	needNone(t)
	_, err := ExecContext(connection(t), "", "/bin/sh")
	var e *Error
	if !errors.Is(err, ErrNoLabel) || !errors.As(err, &e) || e.Of != "peer" {
		t.Errorf("%v", err)
	}
	if err := Ready(); err == nil || !strings.Contains(err.Error(), "SELinux") && !strings.Contains(err.Error(), "selinuxfs") {
		t.Errorf("%v", err)
	}
	if _, err := ExecContext(-1, "", "/bin/sh"); !errors.Is(err, syscall.EBADF) {
		t.Errorf("no socket: %v", err)
	}
	plain := file(t, t.TempDir(), "plain", "")
	if _, err := fileContext("", plain); !errors.Is(err, syscall.ENODATA) && !errors.Is(err, syscall.ENOTSUP) {
		t.Errorf("a file without a label: %v", err)
	}
}

func file(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReady(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		fs, kinds, want string
	}{
		{dir, "nodev\tproc\n\text4\n", "the kernel runs without SELinux"},
		{dir, "nodev\tselinuxfs\n", "selinuxfs is not mounted on " + dir},
		{filepath.Join(dir, "no"), "nodev\tselinuxfs\n", "selinuxfs is not mounted on " + dir + "/no"},
	} {
		if err := ready(c.fs, []byte(c.kinds)); err == nil || err.Error() != c.want {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
	if err := loaded(dir); err == nil || err.Error() != "no SELinux policy is loaded" {
		t.Error(err)
	}
	file(t, dir, "class/process/index", "")
	if err := loaded(dir); !errors.Is(err, strconv.ErrSyntax) {
		t.Error(err)
	}
	file(t, dir, "class/process/index", "2")
	if err := loaded(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	file(t, dir, "mls", "0")
	if err := loaded(dir); err == nil || err.Error() != "the SELinux policy has no ranges (MLS or MCS)" {
		t.Error(err)
	}
	file(t, dir, "mls", "1")
	if err := loaded(dir); err != nil {
		t.Error(err)
	}
}

func TestTransitionOfABrokenKernel(t *testing.T) {
	dir := t.TempDir()
	c := context{"u", "r", "t", "s0"}
	ask := func(want string) {
		t.Helper()
		if got, err := transition(dir, c, c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, %v, want %s", got, err, want)
		}
	}
	ask("class/process/index: no such file")
	for text, want := range map[string]string{"": "invalid syntax", "process": "invalid syntax", "65536": "out of range", "-1": "invalid syntax", strings.Repeat("1", 5000): "too large"} {
		file(t, dir, "class/process/index", text)
		ask("" + want)
	}
	file(t, dir, "class/process/index", "2\n")
	ask("create: no such file")
	file(t, dir, "create", "")
	ask("EOF") // no answer
	if err := os.Remove(filepath.Join(dir, "create")); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(filepath.Join(dir, "create"), 0o600); err != nil {
		t.Fatal(err)
	}
	ask("not a security context") // the question comes back
	c.user = strings.Repeat("u", longest/2)
	ask("not a security context") // too long a question
}

// A program in a chroot is the file that it will find there, wherever links point outside.
func TestFindIn(t *testing.T) {
	root, outside := t.TempDir(), t.TempDir()
	inside := file(t, root, "bin/prog", "inside")
	file(t, outside, "prog", "outside")
	for name, to := range map[string]string{"bin/absolute": "/bin/prog", "bin/up": "../../../../../../../../bin/prog", "bin/away": outside + "/prog", "loop": "/loop"} {
		if err := os.Symlink(to, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	var want unix.Stat_t
	if err := unix.Stat(inside, &want); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/bin/prog", "/bin/absolute", "/bin/up", "/../bin/prog"} {
		fd, err := findIn(root, path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		var got unix.Stat_t
		if err := unix.Fstat(fd, &got); err != nil || got.Ino != want.Ino {
			t.Errorf("%s is another file, %v", path, err)
		}
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("%s would be inherited, %v", path, err)
		}
		unix.Close(fd)
	}
	for path, want := range map[string]error{"/bin/away": syscall.ENOENT, "/no": syscall.ENOENT, "/loop": syscall.ELOOP} {
		if fd, err := findIn(root, path); !errors.Is(err, want) {
			t.Errorf("%s: %d, %v", path, fd, err)
		}
	}
	if fd, err := findIn(inside, "/"); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("%d, %v", fd, err)
	}
}
