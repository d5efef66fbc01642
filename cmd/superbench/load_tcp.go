package main

import (
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// tcpLoad makes connections, so many at a time, each from connect to the server's end of file. It is one thread with one
// epoll instance, since it shares the machine with the server. A connection that is over is closed by a reset, which
// leaves nothing in TIME_WAIT.
type tcpLoad struct {
	To       netip.AddrPort
	Ports    int                       // so many from To on, in an order without one; 0: one
	From     []netip.Addr              // the clients take turns; none: the kernel's choice
	Clients  int                       // at once
	Count    int                       // altogether, unless
	Limit    time.Duration             // is over before, or
	Stop     <-chan struct{}           // is closed: no new ones then, nil: never; but
	Least    int                       // so many are begun all the same
	Patience time.Duration             // for each connection; 0: 5 seconds
	Send     []byte                    // then half-closed
	Check    func(reply []byte) string // what is wrong with it; "" nothing
	Largest  int                       // bytes of a reply; more is wrong
	Refused  bool                      // a reset is as good as an end of file
	Pace     time.Duration             // a client begins a connection each Pace; 0: as soon as the last is over
}

// client is one of the tcpLoad's clients, with the connection that it has at the moment.
type client struct {
	fd    int // -1: none
	sent  int
	reply []byte
	began time.Time
	next  time.Time // with Pace: when to begin again
	last  time.Time // nothing is expected after it
}

func (l *tcpLoad) run() (o outcome, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	poll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return o, err
	}
	defer unix.Close(poll)
	r := tcpRun{tcpLoad: l, poll: poll, clients: make([]client, l.Clients), outcome: outcome{Latencies: make([]time.Duration, 0, min(l.Count, 1<<17))}}
	if r.Patience == 0 {
		l.Patience = 5 * time.Second
	}
	for i := range r.clients {
		r.clients[i] = client{fd: -1, reply: make([]byte, 0, l.Largest+1)}
	}
	r.serve()
	slices.Sort(r.Latencies)
	return r.outcome, r.err
}

type tcpRun struct {
	*tcpLoad
	outcome
	poll    int
	clients []client
	begun   int
	open    int
	err     error // of the load itself
}

func (r *tcpRun) serve() {
	began := time.Now()
	for i := range r.clients {
		// With a pace the clients begin evenly spread.
		r.clients[i].next = began.Add(r.Pace * time.Duration(i) / time.Duration(len(r.clients)))
	}
	r.beginDue(began, began)
	var events [64]unix.EpollEvent
	swept := began
	for r.err == nil && (r.open > 0 || r.more(began)) {
		n, err := unix.EpollWait(r.poll, events[:], r.timeout())
		if err != nil && err != unix.EINTR {
			r.err = err
			return
		}
		for _, e := range events[:max(n, 0)] {
			c := &r.clients[e.Fd]
			if reason, over := r.turn(c); over {
				r.end(c, reason)
				if r.Pace == 0 && r.more(began) {
					r.begin(c, int(e.Fd))
				}
			}
		}
		if now := time.Now(); n == 0 || r.Pace > 0 || now.Sub(swept) > 100*time.Millisecond {
			swept = now
			r.sweep(now)
			r.beginDue(now, began)
		}
	}
	r.Elapsed = time.Since(began)
}

// more reports whether another connection is to be begun.
func (r *tcpRun) more(began time.Time) bool {
	select {
	case <-r.Stop:
		return r.begun < r.Least
	default:
	}
	return r.begun < r.Count && time.Since(began) < r.Limit
}

// timeout is how long to sleep, in milliseconds: with a pace until the next client is due.
func (r *tcpRun) timeout() int {
	wait := 100 * time.Millisecond
	if r.Pace > 0 {
		now := time.Now()
		for i := range r.clients {
			if c := &r.clients[i]; c.fd < 0 {
				wait = min(wait, c.next.Sub(now))
			}
		}
	}
	return int(max(wait+time.Millisecond-1, 0) / time.Millisecond)
}

// beginDue begins a connection for each client that has none and whose time has come.
func (r *tcpRun) beginDue(now, began time.Time) {
	for i := range r.clients {
		if c := &r.clients[i]; c.fd < 0 && !c.next.After(now) && r.more(began) {
			r.begin(c, i)
		}
	}
}

// sweep gives up the connections that nothing has been heard of for too long.
func (r *tcpRun) sweep(now time.Time) {
	for i := range r.clients {
		if c := &r.clients[i]; c.fd >= 0 && now.After(c.last) {
			r.end(c, fmt.Sprintf("no end after %v", r.Patience))
		}
	}
}

func (r *tcpRun) begin(c *client, i int) {
	c.began = time.Now()
	c.last, c.next = c.began.Add(r.Patience), c.began.Add(r.Pace)
	c.sent, c.reply = 0, c.reply[:0]
	var from netip.Addr
	if len(r.From) > 0 {
		from = r.From[r.begun%len(r.From)]
	}
	to := r.To
	if r.Ports > 1 { // a step that shares no factor with the number of ports reaches all of them
		to = netip.AddrPortFrom(to.Addr(), to.Port()+uint16(r.begun*7919%r.Ports))
	}
	r.begun++
	fd, err := dial(from, to)
	if fd < 0 {
		r.fail("connect: " + err.Error())
		if err == unix.EMFILE || err == unix.ENFILE {
			r.err = fmt.Errorf("the load's own sockets: %w", err)
		}
		return
	}
	c.fd = fd
	r.open++
	if err != nil {
		r.end(c, "connect: "+err.Error())
		return
	}
	// A short answer is read when it is complete, and in one go; this spares a wake-up in the middle.
	events := uint32(unix.EPOLLRDHUP)
	if len(r.Send) > 0 || r.Largest > 4096 {
		events |= unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLET&0xffffffff
	}
	if err := unix.EpollCtl(r.poll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: int32(i)}); err != nil {
		r.err = err
	}
}

// turn sends and reads as far as it goes; over when the connection is, with what was wrong.
func (r *tcpRun) turn(c *client) (reason string, over bool) {
	for c.sent < len(r.Send) {
		n, err := unix.SendmsgN(c.fd, r.Send[c.sent:], nil, nil, unix.MSG_NOSIGNAL)
		if err == unix.EAGAIN {
			break
		}
		if err != nil {
			return "send: " + err.Error(), true
		}
		if c.sent += n; c.sent == len(r.Send) {
			if err := unix.Shutdown(c.fd, unix.SHUT_WR); err != nil {
				return "shutdown: " + err.Error(), true
			}
		}
	}
	for {
		if len(c.reply) > r.Largest {
			return "more than was expected", true
		}
		n, err := unix.Read(c.fd, c.reply[len(c.reply):cap(c.reply)])
		switch {
		case err == unix.EAGAIN:
			return "", false
		case err == unix.ECONNRESET && r.Refused:
			return r.Check(c.reply), true
		case err != nil:
			return "read: " + err.Error(), true
		case n == 0:
			return r.Check(c.reply), true
		}
		c.reply = c.reply[:len(c.reply)+n]
	}
}

func (r *tcpRun) end(c *client, reason string) {
	_ = unix.Close(c.fd)
	c.fd = -1
	r.open--
	if reason != "" {
		r.fail(reason)
		return
	}
	r.done(time.Since(c.began))
}

// dial begins a connection on a nonblocking socket, which is the caller's to close, with an error as well; it will be reset when it is closed.
// The port is chosen at connect, so that each source has all of them for each server.
func dial(from netip.Addr, to netip.AddrPort) (fd int, err error) {
	fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if err := unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}); err != nil {
		return fd, err
	}
	if from.IsValid() {
		if err := unix.SetsockoptInt(fd, unix.SOL_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1); err != nil {
			return fd, err
		}
		if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: from.As4()}); err != nil {
			return fd, err
		}
	}
	if err := unix.Connect(fd, &unix.SockaddrInet4{Addr: to.Addr().As4(), Port: int(to.Port())}); err != unix.EINPROGRESS {
		return fd, err
	}
	return fd, nil
}
