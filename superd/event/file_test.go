package event

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"superd/superd/config"
)

func identity(t *testing.T, f *os.File) (dev, ino uint64) {
	t.Helper()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	stat := info.Sys().(*syscall.Stat_t)
	return uint64(stat.Dev), stat.Ino
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestFileIsAppendedTo(t *testing.T) {
	h, _ := newTestHub(t)
	path := filepath.Join(t.TempDir(), "log")
	for range 2 {
		s := open(t, h, config.LogTarget{Kind: config.File, Path: path})
		s.Write(Ready(1, 1))
		s.Release()
	}
	h.Close(20 * time.Second)
	if n, _ := tally(t, read(t, path), "READY"); n != 2 {
		t.Errorf("%d events, want 2", n)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&^fileMode != 0 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// What is no log file must neither be written nor make Open wait.
func TestOnlyRegularFiles(t *testing.T) {
	h, stderr := newTestHub(t)
	dir := t.TempDir()
	fifo, read, link := filepath.Join(dir, "fifo"), filepath.Join(dir, "read"), filepath.Join(dir, "link")
	for _, path := range []string{fifo, read} {
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	reader, err := os.OpenFile(read, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	victim := filepath.Join(dir, "victim")
	if err := os.Symlink(victim, link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{fifo, read, link, dir, "/dev/full"} {
		if s, err := h.Open(config.LogTarget{Kind: config.File, Path: path}); err == nil {
			t.Errorf("%s was opened", path)
			s.Release()
		} else if !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v does not name it", path, err)
		}
	}
	if _, err := os.Lstat(victim); err == nil {
		t.Error("the target of a link was created")
	}
	for _, path := range []string{"/dev/null", "/dev/stderr", "/dev/stdout"} {
		s := open(t, h, config.LogTarget{Kind: config.File, Path: path})
		if path == "/dev/stderr" {
			s.Write(Warn("", "through the file"))
		}
		s.Release()
	}
	stderr.waitFor(t, "through the file")
}

func TestReopenLosesNothing(t *testing.T) {
	h, stderr := newTestHub(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "log")
	s := open(t, h, config.LogTarget{Kind: config.File, Path: path})
	const writers, each = 4, 1000 // together they fit into a batch: nothing is lost for want of room
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range each {
				s.Start(allFlags, sampleStart())
			}
		})
	}
	for i := range 20 {
		// A rotation that comes before the file is opened anew finds nothing to rename.
		if err := os.Rename(path, fmt.Sprintf("%s.%d", path, i)); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		h.Reopen()
		runtime.Gosched()
	}
	wg.Wait()
	h.Reopen()
	s.Write(Ready(1, 1))
	h.Close(20 * time.Second)
	files, _ := filepath.Glob(path + "*")
	total := 0
	for _, f := range files {
		n, missing := tally(t, read(t, f), "START")
		total += n - missing
	}
	if total != writers*each {
		t.Errorf("%d events in %d files, want %d", total, len(files), writers*each)
	}
	if !strings.Contains(read(t, path), "READY") {
		t.Error("the event after Reopen is not in the new file")
	}
	if stderr.String() != "" {
		t.Errorf("trouble: %s", stderr)
	}
}

func TestReopenKeepsTheOldFile(t *testing.T) {
	h, stderr := newTestHub(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "log")
	s := open(t, h, config.LogTarget{Kind: config.File, Path: path})
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	h.Reopen()
	stderr.waitFor(t, "LOG-FAILED")
	s.Write(Ready(1, 1))
	h.Close(20 * time.Second)
	if n, _ := tally(t, read(t, path+".1"), "READY"); n != 1 {
		t.Error("the old file was given up although there is no new one")
	}
}

func TestLimits(t *testing.T) {
	h, stderr := newTestHub(t)
	daemon := newRecord()
	h.ReportTo(daemonSink(t, daemon))
	path := filepath.Join(t.TempDir(), "log")
	e := Warn("", strings.Repeat("x", 58))
	line := len((&format{head: headStamp, pid: os.Getpid()}).append(nil, &e, sampleTime))
	target := config.LogTarget{Kind: config.File, Path: path, Soft: int64(3 * line), Hard: int64(6*line - 1)}
	s := open(t, h, target)
	together(s, 9, e)
	if got := daemon.waitFor(t, "LOG-LARGE"); !strings.Contains(got, fmt.Sprintf("limit=%d", target.Soft)) {
		t.Errorf("%q", got)
	}
	if got := daemon.waitFor(t, "LOG-FAILED"); !strings.Contains(got, "hard limit of") {
		t.Errorf("%q", got)
	}
	if n, _ := tally(t, read(t, path), "WARNING"); n != 5 {
		t.Errorf("%d events below the hard limit, want 5", n)
	}
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	h.Reopen()
	daemon.waitFor(t, "LOG-RECOVERED")
	h.Close(20 * time.Second)
	rest := read(t, path)
	if _, missing := tally(t, rest, "WARNING"); missing != 4 {
		t.Errorf("LOST says %d, want 4: %q", missing, rest)
	}
	for _, name := range []string{"LOG-LARGE", "LOG-FAILED", "LOG-RECOVERED"} {
		if n := strings.Count(daemon.String(), name); n != 1 {
			t.Errorf("%s was said %d times: %s", name, n, daemon)
		}
	}
	if stderr.String() != "" {
		t.Errorf("stderr: %s", stderr)
	}
}

// daemonSink is a sink of another hub, which stands for the daemon's log.
func daemonSink(t *testing.T, out *record) *Sink {
	other := NewHub(out)
	t.Cleanup(func() { other.Close(20 * time.Second) })
	return open(t, other, config.LogTarget{})
}

// What is short enough for the last bytes below the limit must not stand before the LOST of what was not.
func TestHardLimitStaysReached(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	f, err := openFile(config.LogTarget{Kind: config.File, Path: path, Hard: 10}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	for _, c := range []struct {
		events string
		want   int
	}{{"1234567\n1234567\n", 1}, {"1\n", 0}} {
		var b batch
		for event := range strings.Lines(c.events) {
			b.buf = append(b.buf, event...)
			b.close()
		}
		if n, err := f.write(&b); n != c.want || err == nil {
			t.Errorf("%q: %d events written, %v; want %d and an error", c.events, n, err, c.want)
		}
	}
	if got := read(t, path); got != "1234567\n" {
		t.Errorf("%q", got)
	}
	if err := f.reopen(); err != nil {
		t.Fatal(err)
	}
	b := batch{buf: []byte("1\n"), ends: []int{2}}
	if n, err := f.write(&b); n != 1 || err != nil {
		t.Errorf("after reopen: %d events written, %v", n, err)
	}
}

func TestTruncatedFileIsWrittenAgain(t *testing.T) {
	h, stderr := newTestHub(t)
	path := filepath.Join(t.TempDir(), "log")
	s := open(t, h, config.LogTarget{Kind: config.File, Path: path, Hard: 200})
	together(s, 9, Ready(1, 1))
	stderr.waitFor(t, "LOG-FAILED")
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	s.Write(Stopped())
	stderr.waitFor(t, "LOG-RECOVERED")
	h.Close(20 * time.Second)
	if log := read(t, path); !strings.Contains(log, "STOPPED") || !strings.Contains(log, "LOST") {
		t.Errorf("%q", log)
	}
}

// A real file system without space, mounted where only this test's thread sees it.
func TestDiskFull(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to mount a small tmpfs")
	}
	dir := t.TempDir()
	runtime.LockOSThread() // for good: the thread and its mount namespace end with the test
	if err := syscall.Unshare(syscall.CLONE_NEWNS); err != nil {
		t.Skipf("unshare: %v", err)
	}
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		t.Skipf("mount: %v", err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=512k"); err != nil {
		t.Skipf("mount: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	h, stderr := newTestHub(t)
	path, ballast := filepath.Join(dir, "log"), filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 496<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, h, config.LogTarget{Kind: config.File, Path: path})
	const events = 1000
	start := sampleStart()
	together(s, events, start.event(allFlags))
	stderr.waitFor(t, "no space left on device")
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	s.Write(Stopped())
	stderr.waitFor(t, "LOG-RECOVERED")
	h.Close(20 * time.Second)
	log := read(t, path)
	found, torn, missing := 0, 0, 0
	for line := range strings.Lines(log) {
		var n int
		switch {
		case strings.Contains(line, " LOST "):
			fmt.Sscanf(line[strings.Index(line, "count="):], "count=%d", &n)
			missing += n
		case strings.HasSuffix(line, " to_port=7\n"):
			found++
		case !strings.Contains(line, "STOPPED"):
			torn++
		}
	}
	if found == 0 || missing == 0 || found+missing != events || torn > 1 {
		t.Errorf("%d found, %d said to be lost, %d broken lines; of %d", found, missing, torn, events)
	}
	if n := strings.Count(stderr.String(), "LOG-FAILED"); n != 1 {
		t.Errorf("LOG-FAILED was said %d times", n)
	}
}
