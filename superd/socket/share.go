package socket

import (
	"sync"

	"golang.org/x/sys/unix"
)

// sharingMu keeps one sharing from withdrawing the permission that another has just given.
var sharingMu sync.Mutex

// sharing runs bind while fd and the others carry SO_REUSEPORT. All sockets on an address must carry it for one
// more to join, and the kernel lets only sockets of the same user join: that is why it is not SO_REUSEADDR, with
// which anybody could bind a datagram port above 1023 too. It is withdrawn at once, so that not even another
// daemon of the same user slips onto the port. (Of a TCP port that was shared once the kernel remembers it, for that
// user, while the port is in use.)
func sharing(others []*Socket, fd int, bind func() error) error {
	sharingMu.Lock()
	defer sharingMu.Unlock()
	for _, s := range others {
		// A socket that is closed by now is in nobody's way.
		s.control(func(other int) error { return reusePort(other, 1) })
		defer s.control(func(other int) error { return reusePort(other, 0) })
	}
	if err := reusePort(fd, 1); err != nil {
		return err
	}
	defer reusePort(fd, 0)
	return bind()
}

func reusePort(fd, on int) error {
	return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, on)
}
