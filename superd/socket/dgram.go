package socket

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Destination says where a datagram was sent to, and so where its answer must come from. The zero value leaves
// the answer's source to the kernel.
type Destination struct {
	Addr      netip.Addr // as the client wrote it; may be a broadcast or multicast address
	Source    netip.Addr // our own address to answer from: Addr, unless that is no host's. Invalid: the kernel chooses
	Interface int        // where it came in; 0: unknown
}

// Recv waits for a datagram and reads it into buf; what does not fit is cut off (65,535 bytes always fit).
// Errors as Accept's.
func (s *Socket) Recv(buf []byte) (n int, peer netip.AddrPort, to Destination, err error) {
	if err := s.wantDestinations(); err != nil {
		return 0, netip.AddrPort{}, Destination{}, err
	}
	var failure error
	err = s.park(func(fd uintptr) bool {
		n, peer, to, failure = s.receive(int(fd), buf)
		return failure != unix.EAGAIN
	})
	if err == nil && failure != nil {
		err = fmt.Errorf("receive on %s: %w", name(s.endpoint), failure)
	}
	if err != nil {
		return 0, netip.AddrPort{}, Destination{}, err
	}
	return n, peer, to, nil
}

// wantDestinations asks for each datagram's destination, once.
func (s *Socket) wantDestinations() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pktinfo {
		return nil
	}
	// A dual-stack socket needs both: only the IPv4 one tells the source for an IPv4 broadcast.
	options := []option{{unix.IPPROTO_IP, unix.IP_PKTINFO, 1}}
	if s.family == unix.AF_INET6 {
		options = append(options, option{unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1})
	}
	if err := s.control(func(fd int) error { return set(fd, options...) }); err != nil {
		return err
	}
	s.pktinfo = true
	return nil
}

func (s *Socket) receive(fd int, buf []byte) (int, netip.AddrPort, Destination, error) {
	var oob [128]byte
	for {
		n, oobn, _, sa, err := unix.Recvmsg(fd, buf, oob[:], unix.MSG_DONTWAIT)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return 0, netip.AddrPort{}, Destination{}, err
		}
		return n, addrPort(sa), s.destination(oob[:oobn]), nil
	}
}

// Send sends a datagram to a peer of the socket's, from the address that it has written to (RFC 1122, 4.1.3.5). It never
// waits: a full send buffer is EAGAIN, and the datagram is lost, as datagrams are.
func (s *Socket) Send(buf []byte, peer netip.AddrPort, from Destination) error {
	to, control := sockaddrFor(s.family, peer), s.appendSource(nil, from)
	err := s.control(func(fd int) error {
		_, err := unix.SendmsgN(fd, buf, control, to, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
		return err
	})
	if err != nil {
		return fmt.Errorf("send on %s to %s: %w", name(s.endpoint), peer, err)
	}
	return nil
}

// Peek reads the first queued datagram and leaves it there. It never waits: ErrEmpty.
func (s *Socket) Peek(buf []byte) (n int, peer netip.AddrPort, err error) {
	err = s.control(func(fd int) error {
		var sa unix.Sockaddr
		n, sa, err = unix.Recvfrom(fd, buf, unix.MSG_PEEK|unix.MSG_DONTWAIT)
		peer = addrPort(sa)
		return err
	})
	switch {
	case err == unix.EAGAIN:
		return 0, netip.AddrPort{}, ErrEmpty
	case err != nil:
		return 0, netip.AddrPort{}, fmt.Errorf("peek at %s: %w", name(s.endpoint), err)
	}
	return n, peer, nil
}

// Drop takes the first queued datagram away unread, if there is one.
func (s *Socket) Drop() {
	s.control(func(fd int) error {
		_, _, err := unix.Recvfrom(fd, nil, unix.MSG_DONTWAIT)
		return err
	})
}
