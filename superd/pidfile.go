package superd

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// pidFile is locked for as long as its process lives, so that a second daemon notices the first, and one that was left behind
// is in nobody's way. A nil pidFile is none.
type pidFile struct{ file *os.File }

// createPidFile locks the file and writes our process id into it. It does not follow a link that somebody may have put there.
func createPidFile(path string) (*pidFile, error) {
	if path == "" {
		return nil, nil
	}
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o644)
		if err != nil {
			return nil, fmt.Errorf("pid file: %w", err)
		}
		p := &pidFile{f}
		switch err := p.take(); {
		case err == nil:
			return p, nil
		case !errors.Is(err, errRemoved):
			_ = f.Close()
			return nil, fmt.Errorf("pid file %s: %w", path, err)
		}
		_ = f.Close()
	}
}

// errRemoved: another daemon has ended, and removed the file, between our opening and our locking it.
var errRemoved = errors.New("removed meanwhile")

func (p *pidFile) take() error {
	info, err := p.file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err != nil {
		return err
	}
	if err := unix.Flock(int(p.file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if err == unix.EWOULDBLOCK {
			text, _ := io.ReadAll(io.LimitReader(p.file, 20))
			return fmt.Errorf("superd runs already, as process %s", strings.TrimSpace(string(text)))
		}
		return os.NewSyscallError("flock", err)
	}
	now, err := os.Lstat(p.file.Name())
	if err != nil || !os.SameFile(info, now) {
		return errRemoved
	}
	if err := p.file.Truncate(0); err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.file, "%d\n", os.Getpid())
	return err
}

// remove gives the file up while it is still locked, so that nobody else's is removed.
func (p *pidFile) remove() {
	if p == nil {
		return
	}
	_ = os.Remove(p.file.Name()) // an ordinary user may write into a file in a folder that is not his
	_ = p.file.Close()
}
