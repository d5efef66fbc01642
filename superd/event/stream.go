package event

import (
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
)

// stream is the daemon's stderr or stdout.
type stream struct{ w io.Writer }

func (s *stream) write(b *batch) (int, error) {
	n, err := s.w.Write(b.buf)
	return b.within(n), err
}

func (s *stream) reopen() error { return nil }

func (s *stream) close() {}

// serialized lets several sinks share a writer.
type serialized struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *serialized) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(p)
}

// isJournalStream reports whether w is what systemd has set up as JOURNAL_STREAM=DEVICE:INODE (systemd.exec(5)).
func isJournalStream(w io.Writer, variable string) bool {
	f, ok := w.(*os.File)
	if !ok || variable == "" {
		return false
	}
	info, err := f.Stat()
	if err != nil {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && variable == fmt.Sprintf("%d:%d", stat.Dev, stat.Ino)
}
