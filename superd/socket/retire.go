package socket

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"superd/superd/config"
)

// onlyKnown is classic BPF for a listening TCP socket: the packet begins with the TCP header, whose flags are in
// byte 13. A SYN without ACK, which would begin a handshake, is dropped; the client tries again a second later
// and meets whoever listens then. The ACK that ends a handshake passes: dropping it too would leave a client
// that believes itself connected, to be reset.
var onlyKnown = []unix.SockFilter{
	{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: 13},
	{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: 0x12},
	{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: 0x02, Jt: 1},
	{Code: unix.BPF_RET | unix.BPF_K, K: 0xffffffff},
	{Code: unix.BPF_RET | unix.BPF_K, K: 0},
}

// nothing drops every packet.
var nothing = []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: 0}}

// Retire lets nothing new in, as far as the kernel allows: without CAP_NET_ADMIN a listening TCP socket takes no
// filter, nor does one of MPTCP that was handed in, and a handshake that ends between the last Accept and Close is reset. Accept, WaitReadable and Recv go on giving what is there, and return ErrDrained once
// grace is over and the queue is empty; then the caller closes the socket, and nobody is reset.
// The grace is for handshakes that are under way, so about a round trip; 0 is right for datagrams.
// A program that the socket is lent to shares its filter: retire when it is gone.
func (s *Socket) Retire(grace time.Duration) error {
	filter := onlyKnown
	if s.endpoint.SocketType == config.Dgram {
		filter = nothing
	}
	err := s.control(func(fd int) error { return attach(fd, filter) })
	if err != nil && !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.EOPNOTSUPP) {
		return fmt.Errorf("retire %s: %w", name(s.endpoint), err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drainBy = time.Now().Add(grace)
	s.rearmLocked()
	return nil
}

func attach(fd int, filter []unix.SockFilter) error {
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &program)
}
