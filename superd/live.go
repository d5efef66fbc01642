package superd

import (
	"net"
	"sync"
	"syscall"
	"time"
)

// live are the connections of one service that run now: a list through the conns themselves, so that to join it costs a
// connection no allocation and one short lock. The zero value is empty.
type live struct {
	mu          sync.Mutex
	first, last *conn
}

// presence is a conn's place in the list, and what others may know of it while it is there. It is set before the conn joins
// and not changed until it has left.
type presence struct {
	next, prev *conn // guarded by live.mu
	listed     bool
	pid        int // 0: a builtin
	since      time.Time
	stream     net.Conn // of a builtin
}

// join lists c, which runs from now on.
func (l *live) join(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c.listed, c.prev = true, l.last
	if l.last != nil {
		l.last.next = c
	} else {
		l.first = c
	}
	l.last = c
}

// leave takes c off the list, if it is on it.
func (l *live) leave(c *conn) {
	if !c.listed { // c's own goroutines alone write it
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.prev != nil {
		c.prev.next = c.next
	} else {
		l.first = c.next
	}
	if c.next != nil {
		c.next.prev = c.prev
	} else {
		l.last = c.prev
	}
	c.listed, c.next, c.prev = false, nil, nil
}

// look calls see with each connection, the oldest first, until that returns false. It may not wait: nobody joins or leaves meanwhile.
func (l *live) look(see func(*conn) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := l.first; c != nil && see(c); c = c.next {
	}
}

// kick ends a connection that is listed, as max_lifetime would: TERM, and KILL after the grace, or for a builtin the end of the stream.
// The caller holds the list, so that c has not ended.
func (c *conn) kick() {
	if c.stream != nil {
		_ = c.stream.SetDeadline(time.Unix(1, 0)) // the builtin returns, and closes it
		return
	}
	pid, starter := c.pid, c.host.starter
	c.lifetime.set(0, c.set.Grace, func(s syscall.Signal) { starter.Signal(pid, s) })
}
