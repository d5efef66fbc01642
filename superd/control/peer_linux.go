package control

import (
	"io/fs"
	"net"
	"os"
	"slices"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Peer is who is at the other end, as the kernel noted it when they connected: SO_PEERCRED and SO_PEERGROUPS of socket(7).
type Peer struct {
	Uid     uint32
	Gids    []uint32
	Pid     int
	Trusted bool // root or the daemon's own user
}

func peerOf(c *net.UnixConn) (Peer, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return Peer{}, err
	}
	var p Peer
	var failure error
	if err := raw.Control(func(fd uintptr) { p, failure = peerOfFd(int(fd)) }); err != nil {
		return Peer{}, err
	}
	return p, failure
}

func peerOfFd(fd int) (Peer, error) {
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return Peer{}, os.NewSyscallError("getsockopt", err)
	}
	p := Peer{Uid: cred.Uid, Gids: []uint32{cred.Gid}, Pid: int(cred.Pid)}
	p.Trusted = p.Uid == 0 || p.Uid == uint32(os.Geteuid())
	p.Gids = append(p.Gids, groupsOf(fd)...)
	return p, nil
}

// groupsOf are the supplementary groups; none where the kernel does not tell, or when there are more than anybody has.
func groupsOf(fd int) []uint32 {
	var groups [1024]uint32
	size := uint32(unsafe.Sizeof(groups))
	_, _, errno := syscall.Syscall6(syscall.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_PEERGROUPS,
		uintptr(unsafe.Pointer(&groups)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return nil
	}
	return slices.Clone(groups[:size/4])
}

// may reports whether the peer may look, or change something. The file's mode has said as much when it connected; a descriptor
// that was handed on, or a mode that has changed since, has not.
func (p Peer) may(a Access, change bool) bool {
	const group, others = 0o020, 0o002
	switch {
	case p.Trusted:
		return true
	case change:
		return false
	case a.Mode&others != 0:
		return true
	}
	return a.Mode&group != 0 && slices.Contains(p.Gids, uint32(a.Gid))
}

// inodeOf tells whether a file is still the one that it was.
func inodeOf(path string) (uint64, error) {
	var s unix.Stat_t
	if err := unix.Lstat(path, &s); err != nil {
		return 0, &fs.PathError{Op: "lstat", Path: path, Err: err}
	}
	return s.Ino, nil
}
