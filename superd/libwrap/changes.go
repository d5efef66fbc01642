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
	mu      sync.Mutex
	on      bool
	queue   int          // of inotify(7); closed when nobody has the changes any more
	watched map[int]bool // its watches; false: not asked for since anew
	text    [1024]byte   // room for the events, which nobody reads
	n       uint64
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
	c.on, c.queue, c.watched = true, fd, map[int]bool{}
}

// anew is for when the files are about to be read: they may be others. It returns the count that later changes add to.
func (c *changes) anew() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	for w := range c.watched {
		c.watched[w] = false
	}
	c.n++ // for what the queue has not told yet
	return c.n
}

// forget ends the watches that have not been watch's since anew.
func (c *changes) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for w, wanted := range c.watched {
		if !wanted {
			_, _ = unix.InotifyRmWatch(c.queue, uint32(w)) // fails if what it watched is gone
			delete(c.watched, w)
		}
	}
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
	w, err := unix.InotifyAddWatch(c.queue, path, changeMask)
	if err == nil {
		c.watched[w] = true
	}
	return err
}

// count is how many times something was found to have happened; false if nobody looks.
func (c *changes) count() (uint64, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.on {
		return 0, false
	}
	for range eventsAtOnce {
		if !c.happened() {
			break
		}
		c.n++
	}
	return c.n, true
}

// eventsAtOnce is how often the queue is read: who changes a watched folder without end keeps nobody waiting. What is left in it
// counts the next time.
const eventsAtOnce = 16

// happened takes events from the queue. It does not wait, so that Go's scheduler need not hear of the call.
func (c *changes) happened() bool {
	n, _, errno := syscall.RawSyscall(syscall.SYS_READ, uintptr(c.queue), uintptr(unsafe.Pointer(&c.text[0])), uintptr(len(c.text)))
	return errno == 0 && n > 0
}
