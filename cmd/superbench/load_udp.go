package main

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// udpLoad sends datagrams and expects each of them back as it was. So many are under way at a time; what has not come back
// after Patience is lost, and another takes its place. Batches go through sendmmsg(2) and recvmmsg(2), so that the load
// is lighter than the server.
type udpLoad struct {
	To       netip.AddrPort
	From     netip.Addr
	Window   int // at most 64
	Size     int // bytes of a datagram, at least 16 and at most 1400
	Count    int
	Limit    time.Duration
	Patience time.Duration // 0: a second
}

const mostDatagrams = 64

// batch is the arguments of sendmmsg and recvmmsg for a connected socket: mmsghdr and iovec for each datagram.
type batch struct {
	headers [mostDatagrams]struct {
		unix.Msghdr
		n uint32
		_ [4]byte
	}
	vectors [mostDatagrams]unix.Iovec
	data    [mostDatagrams][1408]byte
}

func newBatch() *batch {
	b := new(batch)
	for i := range b.headers {
		b.vectors[i].Base = &b.data[i][0]
		b.headers[i].Iov = &b.vectors[i]
		b.headers[i].SetIovlen(1)
	}
	return b
}

func (b *batch) call(trap uintptr, fd, n int) (int, unix.Errno) {
	r, _, errno := unix.RawSyscall6(trap, uintptr(fd), uintptr(unsafe.Pointer(&b.headers[0])), uintptr(n), unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(r), 0
}

// flight is a datagram that has been sent. Its number is in it, and says where in the window it is.
type flight struct {
	number uint64 // 0: none
	sent   time.Time
}

func (l *udpLoad) run() (o outcome, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return o, err
	}
	defer unix.Close(fd)
	if l.From.IsValid() {
		if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: l.From.As4()}); err != nil {
			return o, err
		}
	}
	if err := unix.Connect(fd, &unix.SockaddrInet4{Addr: l.To.Addr().As4(), Port: int(l.To.Port())}); err != nil {
		return o, err
	}
	r := udpRun{udpLoad: l, fd: fd, out: newBatch(), in: newBatch(), window: make([]flight, l.Window), outcome: outcome{Latencies: make([]time.Duration, 0, min(l.Count, 1<<17))}}
	if r.Patience == 0 {
		l.Patience = time.Second
	}
	for i := range r.in.vectors {
		r.in.vectors[i].SetLen(len(r.in.data[i]))
	}
	err = r.serve()
	slices.Sort(r.Latencies)
	return r.outcome, err
}

type udpRun struct {
	*udpLoad
	outcome
	fd      int
	out, in *batch
	window  []flight
	begun   int
	open    int
}

func (r *udpRun) serve() error {
	began := time.Now()
	swept := began
	poll := []unix.PollFd{{Fd: int32(r.fd), Events: unix.POLLIN}}
	for {
		now := time.Now()
		more := r.begun < r.Count && now.Sub(began) < r.Limit
		if more && r.open < r.Window {
			if err := r.send(now); err != nil {
				return err
			}
		}
		if r.open == 0 && !more {
			break
		}
		n, errno := r.in.call(unix.SYS_RECVMMSG, r.fd, mostDatagrams)
		if errno == unix.EAGAIN {
			if _, err := unix.Poll(poll, 20); err != nil && err != unix.EINTR {
				return err
			}
		} else if errno != 0 {
			r.fail("read: " + errno.Error()) // ICMP says that nobody listens
		}
		now = time.Now()
		for i := range n {
			r.take(r.in.data[i][:r.in.headers[i].n], now)
		}
		if now.Sub(swept) > 20*time.Millisecond {
			swept = now
			r.sweep(now)
		}
	}
	r.Elapsed = time.Since(began)
	return nil
}

// send fills the window.
func (r *udpRun) send(now time.Time) error {
	n := 0
	for i := range r.window {
		if r.window[i].number != 0 || r.begun == r.Count {
			continue
		}
		r.begun++
		r.window[i] = flight{uint64(r.begun), now}
		r.fill(r.out.data[n][:r.Size], r.begun, i)
		r.out.vectors[n].SetLen(r.Size)
		n++
	}
	r.open += n
	for sent := 0; sent < n; {
		m, errno := r.out.call(unix.SYS_SENDMMSG, r.fd, n-sent)
		switch errno {
		case 0:
		case unix.EAGAIN, unix.ENOBUFS, unix.ECONNREFUSED: // those not sent are lost, and counted so
			return nil
		default:
			return fmt.Errorf("sendmmsg: %w", errno)
		}
		if sent += m; sent < n { // seldom: move the rest to the front
			for i := range n - sent {
				copy(r.out.data[i][:r.Size], r.out.data[i+m][:r.Size])
			}
		}
	}
	return nil
}

// fill makes a datagram: its number, its place, and bytes that follow from the number.
func (r *udpRun) fill(d []byte, number, place int) {
	binary.BigEndian.PutUint64(d, uint64(number))
	binary.BigEndian.PutUint64(d[8:], uint64(place))
	for i := 16; i < len(d); i++ {
		d[i] = byte(number + i)
	}
}

// take checks what has come.
func (r *udpRun) take(d []byte, now time.Time) {
	if len(d) != r.Size {
		r.fail(fmt.Sprintf("%d bytes instead of %d", len(d), r.Size))
		return
	}
	number, place := binary.BigEndian.Uint64(d), binary.BigEndian.Uint64(d[8:])
	if place >= uint64(len(r.window)) {
		r.fail("not what was sent")
		return
	}
	f := &r.window[place]
	if f.number != number {
		if number < f.number || f.number == 0 {
			return // late or twice: counted as lost already
		}
		r.fail("not what was sent")
		return
	}
	f.number = 0
	r.open--
	for i := 16; i < len(d); i++ {
		if d[i] != byte(int(number)+i) {
			r.fail("not what was sent")
			return
		}
	}
	r.done(now.Sub(f.sent))
}

// sweep counts as lost what has not come back.
func (r *udpRun) sweep(now time.Time) {
	for i := range r.window {
		if f := &r.window[i]; f.number != 0 && now.Sub(f.sent) > r.Patience {
			r.fail(fmt.Sprintf("no answer in %v", r.Patience))
			f.number = 0
			r.open--
		}
	}
}
