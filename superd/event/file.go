package event

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"superd/superd/config"
)

// fileMode keeps the log from users who are neither the owner nor in the group: it holds addresses of people.
const fileMode = 0o640

// file is a log file with its limits.
type file struct {
	target config.LogTarget
	large  func(size, limit int64) // called once when the soft limit is passed

	f       *os.File // closed by close, or by reopen when it has the next
	warned  bool
	stopped int64 // the size at which the hard limit was reached; 0: not yet
	torn    bool  // the last write ended in the middle of an event
}

func openFile(t config.LogTarget, large func(size, limit int64)) (*file, error) {
	f, err := openLog(t.Path)
	if err != nil {
		return nil, err
	}
	return &file{target: t, large: large, f: f}, nil
}

// openLog opens regular files, and /dev/null. It neither follows a link that somebody may have put in the file's place
// nor waits for the reader of a fifo.
func openLog(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, fileMode)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() && path != os.DevNull {
		err = fmt.Errorf("open %s: not a regular file", path)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// write appends as much of b as the hard limit leaves room for, in one write(2) if the system takes it whole.
func (f *file) write(b *batch) (int, error) {
	if f.torn {
		if _, err := f.f.WriteString("\n"); err != nil {
			return 0, err
		}
		f.torn = false
	}
	room, err := f.room(b)
	n, werr := f.f.Write(b.buf[:room])
	written := b.within(n)
	f.torn = n > 0 && b.buf[n-1] != '\n'
	return written, errors.Join(werr, err)
}

// room is how many bytes of whole events fit below the hard limit. The file itself is asked, since others may truncate it.
func (f *file) room(b *batch) (int, error) {
	soft, hard := f.target.Soft, f.target.Hard
	if soft <= 0 && hard <= 0 {
		return len(b.buf), nil
	}
	info, err := f.f.Stat()
	if err != nil {
		return 0, err
	}
	size := info.Size()
	f.warn(size + int64(len(b.buf)))
	if size < f.stopped {
		f.stopped = 0 // truncated
	}
	if f.stopped == 0 && (hard <= 0 || size+int64(len(b.buf)) <= hard) {
		return len(b.buf), nil
	}
	room := 0
	if f.stopped == 0 {
		room = b.fit(hard - size)
		f.stopped = size + int64(room)
	}
	return room, fmt.Errorf("write %s: hard limit of %d bytes reached", f.target.Path, hard)
}

// warn tells once that the soft limit is passed, and again after the file has been small.
func (f *file) warn(size int64) {
	over := f.target.Soft > 0 && size > f.target.Soft
	if over && !f.warned {
		f.large(size, f.target.Soft)
	}
	f.warned = over
}

func (f *file) reopen() error {
	next, err := openLog(f.target.Path)
	if err != nil {
		return err
	}
	_ = f.f.Close()
	f.f, f.stopped = next, 0
	return nil
}

func (f *file) close() { _ = f.f.Close() }
