package socket

import (
	"fmt"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Ends learns how much connections have carried that were handed to programs. The kernel tells it of the end of each TCP
// socket of the network namespace; no duplicate of the connection is kept, which would delay the client's end of file.
// Methods may be called from several goroutines.
type Ends struct {
	file *os.File
	done chan struct{} // closed when nobody listens any more

	mu     sync.Mutex
	live   map[uint64]*Ending // by cookie
	closed bool
	untold int           // for which When was called, and tell not yet
	calm   chan struct{} // closed when untold is 0; nil: nobody waits for that
}

// Ending is a connection that an Ends knows.
type Ending struct {
	ends        *Ends
	cookie      uint64
	local, peer netip.AddrPort

	// Guarded by the Ends.
	ended   bool // the kernel has spoken
	traffic Traffic
	tell    func(*Traffic, bool) // of When; nil: not yet, or not any more
	told    bool
	timer   *time.Timer
}

const (
	endsLimit  = 1 << 16         // connections that are known at once
	endsBuffer = 16 << 20        // for messages that wait to be read: some ten thousand
	endsWait   = time.Second     // between the program's end and a first look at a socket that is still there
	endsAgain  = 5 * time.Minute // between that and the next: a client may read for long what the program left it
)

// WatchEnds fails where netlink(7) is forbidden, as by a filter of system calls. missed is called, on a goroutine of Ends, when the kernel had more to tell than was read in
// time, so that some connections stay without numbers.
func WatchEnds(missed func()) (*Ends, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_INET_DIAG)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	if err := join(fd); err != nil {
		unix.Close(fd)
		return nil, err
	}
	e := &Ends{file: os.NewFile(uintptr(fd), "ends of connections"), done: make(chan struct{}), live: map[uint64]*Ending{}}
	raw, err := e.file.SyscallConn()
	if err != nil {
		e.file.Close()
		return nil, err
	}
	go e.listen(raw, missed)
	return e, nil
}

// The groups of linux/sock_diag.h, by number.
const (
	tcpDestroyed  = 1 // SKNLGRP_INET_TCP_DESTROY
	tcp6Destroyed = 3 // SKNLGRP_INET6_TCP_DESTROY
)

func join(fd int) error {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, endsBuffer) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, endsBuffer) // as much as an ordinary user may have
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return os.NewSyscallError("bind", err)
	}
	for _, group := range []int{tcpDestroyed, tcp6Destroyed} {
		if err := unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_ADD_MEMBERSHIP, group); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	return nil
}

// listen runs until Close. Nobody but the kernel and root can send to this socket (netlink(7)).
func (e *Ends) listen(raw syscall.RawConn, missed func()) {
	defer close(e.done)
	b := make([]byte, diagBuffer)
	_ = raw.Read(func(fd uintptr) bool {
		for {
			n, err := syscall.Read(int(fd), b)
			switch err {
			case nil:
				e.heard(b[:n])
			case syscall.EINTR:
			case syscall.ENOBUFS:
				missed()
			case syscall.EAGAIN:
				return false
			default:
				return true
			}
		}
	})
}

// heard takes what the kernel says about sockets, most of which are none of ours.
func (e *Ends) heard(b []byte) {
	for len(b) > 0 {
		cookie, t, rest, ok := parseDiag(b)
		if ok {
			e.end(cookie, t)
		}
		b = rest
	}
}

func (e *Ends) end(cookie uint64, t Traffic) {
	e.mu.Lock()
	defer e.mu.Unlock()
	x := e.live[cookie]
	if x == nil {
		return
	}
	x.ended, x.traffic = true, t
	if x.tell != nil {
		x.final(&t)
	}
}

// Watch makes a connection known before its program gets it. It must be followed by one When or one Forget. fd is only
// looked at. An error leaves the connection as good as it was.
func (e *Ends) Watch(fd int, local, peer netip.AddrPort) (*Ending, error) {
	cookie, err := Cookie(fd)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.closed:
		return nil, ErrClosed
	case len(e.live) >= endsLimit:
		return nil, fmt.Errorf("%d connections are watched already", endsLimit)
	}
	x := &Ending{ends: e, cookie: cookie, local: local, peer: peer}
	e.live[cookie] = x
	return x, nil
}

// Forget is for a connection that no program got.
func (x *Ending) Forget() {
	x.ends.mu.Lock()
	defer x.ends.mu.Unlock()
	delete(x.ends.live, x.cookie)
}

// When is for a connection whose program has left. It calls tell as soon as the connection itself is over, with what it has
// carried, and final. If it is not over after a second (the client still reads, or another process has it), tell is called
// with what it has carried so far, and at its end again, final. Where nobody knows, the traffic is nil, and final.
//
// tell runs on this goroutine or another one, one call after the other. It must not block, nor call the Ends.
func (x *Ending) When(tell func(t *Traffic, final bool)) {
	e := x.ends
	e.mu.Lock()
	defer e.mu.Unlock()
	x.tell = tell
	e.untold++
	switch {
	case x.ended:
		x.final(&x.traffic)
	case e.closed:
		x.final(nil)
	default:
		x.timer = time.AfterFunc(endsWait, x.look)
	}
}

// final is called with the Ends locked.
func (x *Ending) final(t *Traffic) {
	tell := x.tell
	x.tell = nil
	if x.timer != nil {
		x.timer.Stop()
	}
	delete(x.ends.live, x.cookie)
	tell(t, true)
	x.isTold()
}

func (x *Ending) isTold() {
	if x.told {
		return
	}
	x.told = true
	x.ends.untold--
	if x.ends.untold == 0 && x.ends.calm != nil {
		close(x.ends.calm)
		x.ends.calm = nil
	}
}

// look asks for a socket of whose end nothing was heard.
func (x *Ending) look() {
	t, err := LiveTraffic(x.local, x.peer, x.cookie)
	x.ends.mu.Lock()
	defer x.ends.mu.Unlock()
	switch {
	case x.tell == nil: // heard of meanwhile
	case err != nil:
		x.final(nil)
	default:
		x.tell(&t, false)
		x.isTold()
		x.timer = time.AfterFunc(endsAgain, x.look)
	}
}

// Close waits a moment for the connections whose programs have just left, tells of the others what they have carried so
// far, and ends. A When that comes afterwards is told nothing, at once.
func (e *Ends) Close() {
	e.mu.Lock()
	e.closed = true
	calm := make(chan struct{})
	if e.untold == 0 {
		close(calm)
	} else {
		e.calm = calm
	}
	e.mu.Unlock()
	select {
	case <-calm:
	case <-time.After(endsWait):
	}
	e.file.Close()
	<-e.done
	for _, x := range e.pending() {
		t, err := LiveTraffic(x.local, x.peer, x.cookie)
		e.mu.Lock()
		switch {
		case x.tell == nil: // by its timer, just now
		case err != nil:
			x.final(nil)
		default:
			x.final(&t)
		}
		e.mu.Unlock()
	}
}

// pending are the connections whose programs have left and that are not over.
func (e *Ends) pending() (all []*Ending) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, x := range e.live {
		if x.tell != nil {
			all = append(all, x)
		}
	}
	return all
}
