package socket

import (
	"bytes"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// segmented is answers on their way out, those of one size to one peer together: the kernel takes them as one datagram that it is
// to cut (udp(7), UDP_SEGMENT, since Linux 4.18), so that they go through the layers of the network once. What arrives is the same.
type segmented struct {
	out     [BatchSize]mmsghdr
	first   [BatchSize + 1]int // the answer that each begins with
	control [BatchSize][96]byte
	n       int // of out

	asked, refused bool // the kernel was asked; it cannot do it, or not on the way to some peer
}

// largestSegment goes through whatever carries IPv6: the kernel cuts nothing that would have to be cut again.
const largestSegment = 1280 - 40 - 8

// possible asks the kernel: one that does not know the control message would send the answers as a single datagram.
func (s *segmented) possible(fd uintptr) bool {
	if !s.asked {
		_, err := unix.GetsockoptInt(int(fd), unix.SOL_UDP, unix.UDP_SEGMENT)
		s.asked, s.refused = true, err != nil
	}
	return !s.refused
}

// gather fills s with b's answers.
func (s *segmented) gather(b *Batch) {
	s.n = 0
	for i := 0; i < b.ready; s.n++ {
		n := b.alike(i)
		h := &s.out[s.n].header
		*h = b.out[i].header
		if n > 1 {
			h.SetIovlen(n)
			size := uint16(b.replies[i].Len)
			control := append(s.control[s.n][:0], controlOf(h)...)
			control = appendControl(control, unix.SOL_UDP, unix.UDP_SEGMENT, (*[2]byte)(unsafe.Pointer(&size))[:])
			h.Control = &control[0]
			h.SetControllen(len(control))
		}
		s.first[s.n] = i
		i += n
	}
	s.first[s.n] = b.ready
}

// failed is told why something could not be sent.
func (s *segmented) failed(errno syscall.Errno) {
	switch errno {
	case unix.EINVAL, unix.EIO, unix.EMSGSIZE: // what cannot be cut, as on the way through IPsec
		s.refused = true
	}
}

// alike is how many answers from the i-th on go to one peer from one address in one size.
func (b *Batch) alike(i int) int {
	n, a := 1, &b.out[i].header
	if size := b.replies[i].Len; size == 0 || size > largestSegment {
		return n
	}
	for ; i+n < b.ready; n++ {
		h := &b.out[i+n].header
		if b.replies[i+n].Len != b.replies[i].Len || !bytes.Equal(nameOf(h), nameOf(a)) || !bytes.Equal(controlOf(h), controlOf(a)) {
			break
		}
	}
	return n
}

func nameOf(h *unix.Msghdr) []byte    { return unsafe.Slice(h.Name, int(h.Namelen)) }
func controlOf(h *unix.Msghdr) []byte { return unsafe.Slice(h.Control, int(h.Controllen)) }
