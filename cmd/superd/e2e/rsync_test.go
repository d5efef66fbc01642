package e2e

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// TestRsync moves a tree each way, and then several at once.
func TestRsync(t *testing.T) {
	needRoot(t)
	rsync := need(t, "rsync")
	s := newSite(t)
	tree := makeTree(t, s.mkdir("module/tree", 0, 0))
	s.write("rsyncd.conf", `
use chroot = yes
reverse lookup = no
log file = $DIR/rsyncd.log
[module]
  path = $DIR/module
  read only = no
  uid = 0
  gid = 0
`)
	s.ship("rsync.hcl", "/usr/bin/rsync", rsync, `["--daemon"]`, `["--daemon", "--config=$DIR/rsyncd.conf"]`, "wait        = false", "wait = false\n  port = 8730")
	d := s.start()
	url := "rsync://" + s.at(8730) + "/module/"

	down := s.path("down")
	client(t, rsync, "-a", url+"tree/", down+"/")
	sameTree(t, tree, down)
	client(t, rsync, "-a", down+"/", url+"up/")
	sameTree(t, tree, s.path("module/up"))

	const crowd = 8
	done := make(chan error)
	for i := range crowd {
		go func() {
			_, err := try(rsync, "-a", url+"tree/", s.path(fmt.Sprintf("down-%d", i))+"/")
			done <- err
		}()
	}
	for range crowd {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	for i := range crowd {
		sameTree(t, tree, s.path(fmt.Sprintf("down-%d", i)))
	}
	d.waitLog(`\bEXIT\b.*\bservice=rsync\b.*\bstatus=0\b`)
}

// makeTree fills dir with a few folders of files from empty to large.
func makeTree(t *testing.T, dir string) string {
	t.Helper()
	for i, size := range []int{0, 1, 4096, 100_001, transferSize} {
		sub := filepath.Join(dir, fmt.Sprintf("folder %d", i))
		if err := os.MkdirAll(sub, 0o755); err != nil {
			t.Fatal(err)
		}
		randomFile(t, filepath.Join(sub, "file"), size)
	}
	return dir
}

// sameTree fails the test unless every file below want is below got, and no other.
func sameTree(t *testing.T, want, got string) {
	t.Helper()
	if w, g := filesBelow(t, want), filesBelow(t, got); fmt.Sprint(w) != fmt.Sprint(g) {
		t.Fatalf("%s holds %q, %s holds %q", want, w, got, g)
	}
	for _, name := range filesBelow(t, want) {
		sameFile(t, filepath.Join(want, name), filepath.Join(got, name))
	}
}

func filesBelow(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
