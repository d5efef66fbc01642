package socket

import (
	"fmt"
	"net/netip"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// BatchSize is how many datagrams a Batch holds.
const BatchSize = 8

const roomSize = 0xffff // what UDP can carry

// Batch is datagrams that come in at once, by recvmmsg(2), and their answers, which leave at once, by sendmmsg(2). It is for one
// goroutine.
type Batch struct {
	memory []byte // mapped: rooms that no datagram fills take no memory
	slots  [BatchSize]slot
	in     [BatchSize]mmsghdr
	n      int // of in
	failed error

	out       [BatchSize]mmsghdr // the answers
	replies   [BatchSize]unix.Iovec
	ready     int // of out
	segmented segmented

	receive func(fd uintptr) bool // one of each for good, so that a call allocates nothing
	send    func(fd uintptr)
}

// slot is what the messages of a datagram and of its answer point to.
type slot struct {
	peer    syscall.RawSockaddrAny
	control [96]byte
	source  [64]byte // control message of the answer
	request unix.Iovec
}

// mmsghdr is what recvmmsg(2) and sendmmsg(2) take.
type mmsghdr struct {
	header unix.Msghdr
	length uint32
}

// Datagram is one of a Batch. Data is good until the next Receive.
type Datagram struct {
	Data []byte
	Peer netip.AddrPort
	To   Destination
}

// NewBatch makes an empty one. The caller closes it.
func NewBatch() (*Batch, error) {
	memory, err := unix.Mmap(-1, 0, 2*BatchSize*roomSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return nil, os.NewSyscallError("mmap", err)
	}
	b := &Batch{memory: memory}
	b.receive, b.send = b.receiveNow, b.sendNow
	for i := range b.slots {
		s := &b.slots[i]
		s.request.Base = &memory[i*roomSize]
		s.request.SetLen(roomSize)
		h := &b.in[i].header
		h.Name, h.Iov, h.Control = (*byte)(unsafe.Pointer(&s.peer)), &s.request, &s.control[0]
		h.SetIovlen(1)
	}
	return b, nil
}

// Close gives the memory back.
func (b *Batch) Close() { _ = unix.Munmap(b.memory) }

// Len is how many datagrams the last Receive has read.
func (b *Batch) Len() int { return b.n }

// Room is where the answer to datagram i may be written: roomSize bytes that nobody else uses before the next Receive.
func (b *Batch) Room(i int) []byte {
	from := (BatchSize + i) * roomSize
	return b.memory[from : from : from+roomSize]
}

// Receive waits for a datagram and reads it, with others that are there already, but at most so many. Errors as Accept's.
func (s *Socket) Receive(b *Batch, most int) error {
	if err := s.wantDestinations(); err != nil {
		return err
	}
	b.n = min(most, BatchSize)
	err := s.park(b.receive)
	if err == nil && b.failed != nil {
		err = fmt.Errorf("receive on %s: %w", name(s.endpoint), b.failed)
	}
	return err
}

// receiveNow reads up to n datagrams; false if there are none.
func (b *Batch) receiveNow(fd uintptr) bool {
	for i := range b.in[:b.n] {
		h := &b.in[i].header
		h.Namelen = uint32(unsafe.Sizeof(b.slots[i].peer))
		h.SetControllen(len(b.slots[i].control))
	}
	for {
		n, _, errno := syscall.RawSyscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&b.in)), uintptr(b.n), unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			b.n, b.failed = int(n), nil
			return true
		case unix.EINTR:
		case unix.EAGAIN:
			return false
		default:
			b.n, b.failed = 0, errno
			return true
		}
	}
}

// Datagram returns the i-th.
func (s *Socket) Datagram(b *Batch, i int) Datagram {
	m := &b.in[i]
	from := i * roomSize
	return Datagram{
		Data: b.memory[from : from+int(m.length)],
		Peer: rawAddrPort(&b.slots[i].peer),
		To:   s.destination(b.slots[i].control[:m.header.Controllen]),
	}
}

// Answer adds an answer to d, which was datagram i, for SendAll; it leaves from the address that d was sent to (RFC 1122,
// 4.1.3.5). text must lie in Room(i) or be d's data, and there is one answer to a datagram.
func (s *Socket) Answer(b *Batch, i int, d *Datagram, text []byte) {
	slot, reply, h := &b.slots[i], &b.replies[b.ready], &b.out[b.ready].header
	b.ready++
	reply.Base = unsafe.SliceData(text)
	reply.SetLen(len(text))
	*h = unix.Msghdr{Name: b.in[i].header.Name, Namelen: b.in[i].header.Namelen, Iov: reply}
	h.SetIovlen(1)
	if control := s.appendSource(slot.source[:0], d.To); len(control) > 0 {
		h.Control = &control[0]
		h.SetControllen(len(control))
	}
}

// SendAll sends the answers. It never waits: what finds the send buffer full, or cannot be sent, is lost, as datagrams are.
func (s *Socket) SendAll(b *Batch) {
	if b.ready > 0 {
		_ = s.raw.Control(b.send) // fails on a closed socket
		b.ready = 0
	}
}

func (b *Batch) sendNow(fd uintptr) {
	s := &b.segmented
	if !s.possible(fd) {
		sendEach(fd, b.out[:b.ready])
		return
	}
	s.gather(b)
	for i := 0; i < s.n; {
		sent, errno := sendSome(fd, s.out[i:s.n])
		i += sent
		if errno != 0 {
			s.failed(errno)
			sendEach(fd, b.out[s.first[i]:s.first[i+1]])
			i++
		}
	}
}

// sendEach sends those of all that can be sent.
func sendEach(fd uintptr, all []mmsghdr) {
	for len(all) > 0 {
		sent, errno := sendSome(fd, all)
		all = all[sent:]
		if errno != 0 {
			all = all[1:]
		}
	}
}

// sendSome sends some, at least one, or says why the first cannot be sent.
func sendSome(fd uintptr, all []mmsghdr) (sent int, errno syscall.Errno) {
	for {
		n, _, errno := syscall.RawSyscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&all[0])), uintptr(len(all)),
			unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
		switch errno {
		case 0:
			return int(n), 0
		case unix.EINTR:
		default:
			return 0, errno
		}
	}
}
