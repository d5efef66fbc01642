package spawn

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"superd/superd/config"
)

func umaskNow() int {
	m := syscall.Umask(0o22)
	syscall.Umask(m)
	return m
}

func checkUmasks(t *testing.T) {
	s := newStarter(t)
	var wg sync.WaitGroup
	for _, umask := range []int{s.own.umask, 0o002, 0o077, 0, 0o777} {
		for range 2 {
			wg.Go(func() {
				for range 10 {
					p := program(s, "/bin/cat", "/proc/self/status")
					p.Umask = umask
					if got, want := field(t, output(t, s, p), "Umask"), fmt.Sprintf("%04o", umask); got != want {
						t.Errorf("umask %s, want %s", got, want)
					}
				}
			})
		}
	}
	wg.Wait()
	if m := umaskNow(); m != s.own.umask || m&0o022 != 0o022 {
		t.Errorf("the daemon's umask is %03o, was %03o", m, s.own.umask)
	}
}

func TestUmask(t *testing.T) { checkUmasks(t) }

// nice reads the value of the thread that leads pid ("self" for this process).
func niceOf(t *testing.T, stat string) int {
	t.Helper()
	_, rest, _ := strings.Cut(stat, ") ")
	n, err := strconv.Atoi(strings.Fields(rest)[16])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestNice(t *testing.T) {
	s := newStarter(t)
	read := func() int {
		stat, _ := os.ReadFile("/proc/self/stat")
		return niceOf(t, string(stat))
	}
	own := read()
	for _, n := range []int{5, 40, 0} {
		p := program(s, "/bin/cat", "/proc/self/stat")
		p.Nice = n
		if got := niceOf(t, output(t, s, p)); got != min(own+n, 19) {
			t.Errorf("nice %d gives %d; own %d", n, got, own)
		}
	}
	if now := read(); now != own {
		t.Errorf("the daemon's nice value is %d, was %d", now, own)
	}
}

func TestNegativeNice(t *testing.T) {
	s := newStarter(t)
	p := program(s, "/bin/cat", "/proc/self/stat")
	p.Nice = -3
	if os.Geteuid() == 0 { // set before the user changes
		p.Credential = &config.Credential{Uid: 65534, Gid: 65534}
	}
	r, err := tryStart(t, s, p)
	if err != nil {
		if !errors.Is(err, syscall.EACCES) || err.Error() != "nice -3: permission denied" {
			t.Error(err)
		}
		t.Skip("needs CAP_SYS_NICE")
	}
	own, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := r.end(); niceOf(t, text) != max(niceOf(t, string(own))-3, -20) {
		t.Errorf("nice %d", niceOf(t, text))
	}
}

func TestCredentials(t *testing.T) {
	needRoot(t)
	s := newStarter(t)
	for _, c := range []struct {
		groups []uint32
		want   string
	}{{nil, ""}, {[]uint32{}, ""}, {[]uint32{4, 24}, "4 24"}} {
		for _, umask := range []int{s.own.umask, 0o27} {
			p := program(s, "/bin/cat", "/proc/self/status")
			p.Umask = umask
			p.Credential = &config.Credential{Uid: 65534, Gid: 65533, Groups: c.groups}
			text := output(t, s, p)
			if u, g := field(t, text, "Uid"), field(t, text, "Gid"); u != "65534 65534 65534 65534" || g != "65533 65533 65533 65533" {
				t.Errorf("uid %s, gid %s", u, g)
			}
			if got := field(t, text, "Groups"); got != c.want {
				t.Errorf("groups %q, want %q", got, c.want)
			}
		}
	}
	p := program(s, "/bin/pwd")
	p.Credential = &config.Credential{Uid: 65534, Gid: 65534}
	p.Dir = filepath.Join(openDir(t), "closed")
	if err := os.Mkdir(p.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := tryStart(t, s, p); err == nil || err.Error() != "chdir "+p.Dir+": permission denied" {
		t.Errorf("%v", err)
	}
}

func TestCredentialsOfAnOrdinaryUser(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("needs an ordinary user")
	}
	s := newStarter(t)
	p := program(s, "/bin/true")
	p.Credential = &config.Credential{Uid: 0, Gid: 0}
	if _, err := tryStart(t, s, p); err == nil || err.Error() != "credentials 0:0: operation not permitted" {
		t.Errorf("%v", err)
	}
	p = program(s, "/bin/true")
	p.Chroot = "/"
	if _, err := tryStart(t, s, p); err == nil || err.Error() != "chroot /: operation not permitted" {
		t.Errorf("%v", err)
	}
}

func TestChroot(t *testing.T) {
	needRoot(t)
	s := newStarter(t)
	root := newRoot(t, "/bin/pwd")
	p := program(s, "/bin/pwd")
	p.Chroot, p.Credential = root, &config.Credential{Uid: 65534, Gid: 65534}
	if got := output(t, s, p); got != "/\n" {
		t.Errorf("directory %q", got)
	}
	p.Dir = "/bin"
	if got := output(t, s, p); got != "/bin\n" {
		t.Errorf("directory %q", got)
	}
	for _, c := range []struct {
		change func(p *config.Program)
		want   string
	}{
		{func(p *config.Program) { p.Dir = "/usr/share" }, "chdir ROOT/usr/share: no such file or directory"},
		{func(p *config.Program) { p.Path = "/bin/cat" }, "exec /bin/cat: no such file or directory"},
		{func(p *config.Program) { p.Chroot += "/none" }, "chroot ROOT/none: no such file or directory"},
		{func(p *config.Program) { p.Chroot += "/bin/pwd" }, "chroot ROOT/bin/pwd: not a directory"},
	} {
		bad := *p
		c.change(&bad)
		_, err := tryStart(t, s, &bad)
		if err == nil || strings.ReplaceAll(err.Error(), root, "ROOT") != c.want {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}

// newRoot makes a root directory with one program and what it maps when it runs.
func newRoot(t *testing.T, path string) string {
	t.Helper()
	s := newStarter(t)
	root := openDir(t)
	maps := output(t, s, program(s, "/bin/cat", "/proc/self/maps")) // the C library is the same
	files := map[string]bool{path: true, interpreter(t, path): true}
	for line := range strings.Lines(maps) {
		if f := strings.Fields(line); len(f) == 6 && strings.Contains(f[5], "/lib") {
			files[f[5]] = true
		}
	}
	for f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			continue // a locale, deleted or not
		}
		if err := os.MkdirAll(filepath.Join(root, filepath.Dir(f)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, f), text, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return root
}
