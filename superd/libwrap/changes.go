package libwrap

import (
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// To look at two files for each connection costs more than all else that is decided about it, and it may wait for a disk. So the
// kernel is asked whether anything has changed, by inotify(7), which knows as soon as the write has returned. What it
// cannot see, a file server's changes and links far up in a path, is looked for once in lookAgain.

const lookAgain = time.Second

// changes counts what has happened to some files. The zero value sees nothing; safe for concurrent use.
type changes struct {
	mu    sync.Mutex
	on    bool
	queue int        // of inotify(7); closed when nobody has the changes any more
	text  [1024]byte // room for the events, which nobody reads
	n     uint64
}

// changeMask is all that may make a file's text, or the file that a name stands for, another.
const changeMask = unix.IN_MODIFY | unix.IN_ATTRIB | unix.IN_CREATE | unix.IN_DELETE | unix.IN_MOVED_FROM | unix.IN_MOVED_TO |
	unix.IN_DELETE_SELF | unix.IN_MOVE_SELF

// begin makes the queue. Without one, as where a user has too many, files are looked at each time.
func (c *changes) begin() {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return
	}
	runtime.AddCleanup(c, func(fd int) { _ = unix.Close(fd) }, fd)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.on, c.queue = true, fd
}

// watch is to be called before a file is looked at: later changes count. It reports false if some might not.
func (c *changes) watch(path string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.on || !filepath.IsAbs(path) {
		return false
	}
	err := c.add(path)
	return c.add(filepath.Dir(path)) == nil && (err == nil || err == unix.ENOENT)
}

func (c *changes) add(path string) error {
	_, err := unix.InotifyAddWatch(c.queue, path, changeMask)
	return err
}

// count is how many times something was found to have happened; false if nobody looks.
func (c *changes) count() (uint64, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.on {
		return 0, false
	}
	for c.happened() {
		c.n++
	}
	return c.n, true
}

// happened takes events from the queue. It does not wait, so that Go's scheduler need not hear of the call.
func (c *changes) happened() bool {
	n, _, errno := syscall.RawSyscall(syscall.SYS_READ, uintptr(c.queue), uintptr(unsafe.Pointer(&c.text[0])), uintptr(len(c.text)))
	return errno == 0 && n > 0
}
