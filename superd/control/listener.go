package control

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Access is who may connect to a control socket, as its file says.
type Access struct {
	Mode fs.FileMode // permission bits; connecting takes the right to write
	Gid  int         // -1: the daemon's own group
}

// Listener is a control socket that this process owns: it holds the lock beside it.
type Listener struct {
	path   string
	inner  *net.UnixListener
	lock   *os.File
	inode  uint64
	access atomic.Pointer[Access]
}

// longestPath is what fits a socket's address with its final NUL, less what the temporary name has more.
const longestPath = 107 - 8

// Listen makes a socket at path, and the folder it stands in if only that is missing. A socket that nobody serves any more is
// replaced; one that somebody serves is left alone, and so is what is no socket: that is an error.
//
// While a daemon runs it holds a lock on PATH.lock, so that of two that start at once one gets the socket. The socket appears
// under its name when it has its mode and group, never before.
func Listen(path string, a Access) (*Listener, error) {
	if len(path) > longestPath {
		return nil, fmt.Errorf("control socket %s: the path has more than %d bytes", path, longestPath)
	}
	if err := os.Mkdir(filepath.Dir(path), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	lock, err := claim(path)
	if err != nil {
		return nil, err
	}
	l := &Listener{path: path, lock: lock}
	if err := l.open(a); err != nil {
		_ = lock.Close()
		return nil, fmt.Errorf("control socket: %w", err)
	}
	return l, nil
}

// claim takes the lock of path, and makes sure that nobody else serves it. A link is not followed: what it points to could
// be anything.
func claim(path string) (*os.File, error) {
	lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = lock.Close()
		return nil, fmt.Errorf("control socket %s belongs to another superd that runs", path)
	}
	if err := vacant(path); err != nil {
		_ = lock.Close()
		return nil, err
	}
	return lock, nil
}

// vacant says why path cannot be had.
func vacant(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("control socket: %w", err)
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("control socket: %s is there and is no socket", path)
	}
	c, err := net.Dial("unix", path)
	if err == nil {
		_ = c.Close()
	}
	if errors.Is(err, unix.ECONNREFUSED) || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return fmt.Errorf("control socket: somebody else serves %s", path)
}

func (l *Listener) open(a Access) (err error) {
	temporary := l.path + "." + strconv.Itoa(os.Getpid())
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if l.inner, err = net.ListenUnix("unix", &net.UnixAddr{Name: temporary, Net: "unix"}); err != nil {
		return err
	}
	l.inner.SetUnlinkOnClose(false)
	if err = l.dress(temporary, a); err == nil {
		l.inode, err = inodeOf(temporary)
	}
	if err == nil {
		err = os.Rename(temporary, l.path)
	}
	if err != nil {
		_ = os.Remove(temporary)
		_ = l.inner.Close()
	}
	return err
}

// dress gives the file its group and mode.
func (l *Listener) dress(file string, a Access) error {
	gid := a.Gid
	if gid < 0 {
		gid = os.Getegid()
	}
	if err := os.Lchown(file, -1, gid); err != nil {
		return err
	}
	if err := os.Chmod(file, a.Mode.Perm()); err != nil {
		return err
	}
	a.Gid = gid
	l.access.Store(&a)
	return nil
}

// Retune changes mode and group of an open socket.
func (l *Listener) Retune(a Access) error {
	if err := l.dress(l.path, a); err != nil {
		return fmt.Errorf("control socket: %w", err)
	}
	return nil
}

// Access is what the socket has now.
func (l *Listener) Access() Access { return *l.access.Load() }

// Path is where the socket stands.
func (l *Listener) Path() string { return l.path }

// Addr is the socket's address.
func (l *Listener) Addr() net.Addr { return l.inner.Addr() }

func (l *Listener) accept() (*net.UnixConn, error) { return l.inner.AcceptUnix() }

// Close removes the socket, if it is still this one, and gives up the lock. The lock's file stays, or another superd could
// hold one that has no name any more.
func (l *Listener) Close() error {
	if now, err := inodeOf(l.path); err == nil && now == l.inode {
		_ = os.Remove(l.path)
	}
	return errors.Join(l.inner.Close(), l.lock.Close())
}
