package socket

import (
	"fmt"

	"golang.org/x/sys/unix"

	"superd/superd/config"
)

// Lend prepares the socket for a wait program: it puts the open file description, which the program will share,
// into blocking mode and returns the descriptor to be duplicated into the child. The Socket goes on owning it:
// the caller does not close it, and calls nothing but Interrupt, Backlog, Peek, Reclaim and Close until the program is gone.
//
// A datagram program is also told the destination of what it receives, if it asks (recvmsg(2)): in.tftpd then answers
// from the address that was asked, on a machine that has several.
func (s *Socket) Lend() (fd int, err error) {
	if s.endpoint.SocketType == config.Dgram {
		if err := s.wantDestinations(); err != nil {
			return -1, fmt.Errorf("lend %s: %w", name(s.endpoint), err)
		}
	}
	err = s.control(func(own int) error {
		fd = own
		return unix.SetNonblock(own, false)
	})
	if err != nil {
		return -1, fmt.Errorf("lend %s: %w", name(s.endpoint), err)
	}
	return fd, nil
}

// Reclaim takes the socket back and undoes what a program may have done to it: blocking mode, a shutdown of the
// listener, a datagram socket connected to one peer.
func (s *Socket) Reclaim() error {
	err := s.control(func(fd int) error {
		if err := unix.SetNonblock(fd, true); err != nil {
			return err
		}
		if s.endpoint.SocketType == config.Dgram {
			return disconnect(fd)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		return unix.Listen(fd, backlog(s.options)) // changes nothing if it still listens
	})
	if err != nil {
		return fmt.Errorf("reclaim %s: %w", name(s.endpoint), err)
	}
	return nil
}

// disconnect undoes a connect(2) on a datagram socket, which would keep everybody else out.
func disconnect(fd int) error {
	if _, err := unix.Getpeername(fd); err != nil {
		return nil
	}
	return connectUnspec(fd)
}
