package socket

import (
	"errors"
	"fmt"
	"math"
	"net/netip"

	"golang.org/x/sys/unix"

	"superd/superd/config"
)

// option is one integer socket option.
type option struct{ level, name, value int }

func set(fd int, options ...option) error {
	for _, o := range options {
		if err := unix.SetsockoptInt(fd, o.level, o.name, o.value); err != nil {
			return fmt.Errorf("setsockopt %d/%d: %w", o.level, o.name, err)
		}
	}
	return nil
}

// prepare sets what must be set before bind(2).
func prepare(fd int, e config.Endpoint, at netip.AddrPort, o config.SocketOptions) error {
	if at.Addr().Is6() {
		if err := set(fd, option{unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, flag(e.V6Only)}); err != nil {
			return err
		}
	}
	if e.Device != "" {
		if err := unix.BindToDevice(fd, e.Device); err != nil {
			return fmt.Errorf("bind to device: %w", err)
		}
	}
	return tune(fd, e, o, config.SocketOptions{})
}

// tune sets what may change while the socket is open. Accepted connections inherit it (Linux).
func tune(fd int, e config.Endpoint, o, was config.SocketOptions) error {
	if err := filter(fd, o, was); err != nil {
		return err
	}
	if e.SocketType == config.Dgram {
		return set(fd, option{unix.SOL_SOCKET, unix.SO_REUSEADDR, flag(o.Reuse)})
	}
	return set(fd,
		option{unix.SOL_SOCKET, unix.SO_REUSEADDR, 1},
		option{unix.SOL_SOCKET, unix.SO_KEEPALIVE, flag(o.KeepAlive)},
		option{unix.IPPROTO_TCP, unix.TCP_NODELAY, flag(o.NoDelay)})
}

// Retune changes the options of an open socket, if they differ. Connections accepted before keep theirs.
func (s *Socket) Retune(o config.SocketOptions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o == s.options {
		return nil
	}
	err := s.control(func(fd int) error {
		if err := tune(fd, s.endpoint, o, s.options); err != nil || s.endpoint.SocketType == config.Dgram {
			return err
		}
		return unix.Listen(fd, backlog(o)) // on a listening socket this changes the backlog alone
	})
	if err != nil {
		return fmt.Errorf("retune %s: %w", name(s.endpoint), err)
	}
	s.options = o
	return nil
}

// Backlog is how many connections wait to be accepted. For datagrams, which the kernel does not count, see Peek.
func (s *Socket) Backlog() (int, error) {
	if s.endpoint.SocketType == config.Dgram {
		return 0, errors.ErrUnsupported
	}
	var n int
	err := s.control(func(fd int) error {
		info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
		if err == nil {
			n = int(info.Unacked) // tcp(7) has another meaning for a listener: the length of its accept queue
		}
		return err
	})
	return n, err
}

// backlog turns the option into listen(2)'s argument; the kernel cuts it down to net.core.somaxconn.
func backlog(o config.SocketOptions) int {
	if o.Backlog == 0 {
		return math.MaxInt32
	}
	return o.Backlog
}

func flag(on bool) int {
	if on {
		return 1
	}
	return 0
}
