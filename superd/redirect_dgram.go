package superd

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"superd/superd/admit"
	"superd/superd/socket"
)

// Bounds of a dgram redirection.
const (
	flowLimit   = 4096 // peers of one socket at once; each has a socket to the target
	flowQueue   = 8    // datagrams of a peer that wait for the target's name
	refusalTime = time.Second
)

// flow is one peer of a dgram redirection, and the socket by which the target knows it. The peer is the client of a
// connection that begins with its first datagram and ends when nothing has come either way for max_idle.
type flow struct {
	*conn
	to     socket.Destination
	in     atomic.Uint64 // bytes from the peer
	out    uint64
	last   atomic.Int64 // when something came, by time.Since(began)
	born   time.Time
	table  *flowTable
	mu     sync.Mutex
	target *net.UDPConn // nil: not reached yet
	queue  [][]byte
	ended  bool
}

// flowTable is a listener's flows by peer.
type flowTable struct {
	mu    sync.Mutex
	flows map[sessionKey]*flow
}

func (t *flowTable) get(k sessionKey) (f *flow, full bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.flows[k], len(t.flows) >= flowLimit
}

func (t *flowTable) put(k sessionKey, f *flow) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.flows[k] = f
}

func (t *flowTable) forget(k sessionKey) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.flows, k)
}

// endAll ends every flow; their goroutines then finish by themselves.
func (t *flowTable) endAll() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, f := range t.flows {
		f.end()
	}
}

// relay serves a dgram service that redirects.
func (l *listener) relay() {
	live := &flowTable{flows: map[sessionKey]*flow{}}
	defer live.endAll()
	datagram := make([]byte, largestDatagram)
	trouble := l.trouble()
	for l.admitting() {
		n, peer, to, err := l.sock.Recv(datagram)
		switch {
		case err == nil:
			trouble.over()
			l.carry(live, datagram[:n], peer, to)
		case errors.Is(err, socket.ErrInterrupted):
		default:
			trouble.wait(err)
		}
	}
}

// carry hands a datagram on to the target, over the peer's own socket.
func (l *listener) carry(live *flowTable, datagram []byte, peer netip.AddrPort, to socket.Destination) {
	if peer.Port() == 0 {
		return // cannot be answered
	}
	key := sessionKey{peer, to}
	f, full := live.get(key)
	if f != nil {
		f.send(datagram)
		return
	}
	c := l.newConn(-1, peer)
	if at := to.Source; at.IsValid() {
		c.local = netip.AddrPortFrom(at, l.sock.LocalAddr().Port())
	}
	if full {
		c.logRefuse(admit.Instances, "as many peers as a redirection can have")
		c.finish()
		return
	}
	if !c.admitDatagram() {
		c.finish()
		return
	}
	f = &flow{conn: c, to: to, table: live, born: time.Now()}
	f.send(datagram)
	live.put(key, f)
	go f.run(key)
}

// send passes a datagram of the peer on, or keeps it until the target is reached. What there is no room for is lost.
func (f *flow) send(datagram []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last.Store(int64(time.Since(f.born)))
	switch {
	case f.ended:
	case f.target != nil:
		f.in.Add(uint64(len(datagram)))
		_, _ = f.target.Write(datagram) // a datagram may be lost; that nobody is there is found out by reading
	case len(f.queue) < flowQueue:
		f.queue = append(f.queue, bytes.Clone(datagram))
	}
}

// reached takes the socket over and sends what has waited for it; false if the flow has ended meanwhile.
func (f *flow) reached(target *net.UDPConn) bool {
	f.mu.Lock()
	queue, ended := f.queue, f.ended
	f.queue, f.target = nil, target
	f.mu.Unlock()
	if ended {
		return false
	}
	for _, datagram := range queue {
		f.send(datagram)
	}
	return true
}

func (f *flow) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = true
	if f.target != nil {
		_ = f.target.SetReadDeadline(time.Unix(1, 0)) // wakes its goroutine, which closes it
	}
}

// run is the flow's life.
func (f *flow) run(key sessionKey) {
	defer f.finish()
	defer f.table.forget(key)
	dialed, err := f.dialTarget("udp")
	if err != nil {
		f.logRefuse(admit.Target, err.Error())
		return
	}
	target := dialed.(*net.UDPConn)
	defer target.Close()
	if !f.host.open.add(target) {
		return
	}
	defer f.host.open.remove(target)
	defer f.host.leaving.add(target)()
	if !f.reached(target) {
		return
	}
	// Whether anybody is there shows only after the first datagram: by an answer, or by an ICMP error.
	buf := datagrams.Get().(*[largestDatagram]byte)
	_ = target.SetReadDeadline(f.soon(refusalTime))
	first, err := f.receive(target, buf)
	if errors.Is(err, syscall.ECONNREFUSED) {
		datagrams.Put(buf)
		f.logRefuse(admit.Target, err.Error())
		return
	}
	f.logStart(0)
	if err == nil {
		f.answer(buf[:first])
	}
	datagrams.Put(buf)
	for f.wait(target) {
	}
	f.logBuiltinExit(time.Since(f.born), socket.Traffic{In: f.in.Load(), Out: f.out})
}

// soon is d from now, unless the flow has ended, which its deadline must go on to say.
func (f *flow) soon(d time.Duration) time.Time {
	if f.stopping() || f.host.ending.Load() {
		return time.Unix(1, 0)
	}
	return time.Now().Add(d)
}

var datagrams = sync.Pool{New: func() any { return new([largestDatagram]byte) }}

// wait takes one answer to the peer, or finds that the flow is over. While nothing comes it holds no buffer.
func (f *flow) wait(target *net.UDPConn) bool {
	idle := f.set.Redirect.Idle
	left := idle - (time.Since(f.born) - time.Duration(f.last.Load()))
	if left <= 0 {
		return false
	}
	_ = target.SetReadDeadline(f.soon(left))
	buf, n, err := readable(target)
	if buf != nil {
		defer datagrams.Put(buf)
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return !f.over() // the peer may have said something meanwhile
	case err != nil:
		return false // nobody is there any more; the peer's next datagram begins anew
	}
	f.last.Store(int64(time.Since(f.born)))
	f.answer(buf[:n])
	return true
}

func (f *flow) over() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ended || f.host.ending.Load()
}

func (f *flow) receive(target *net.UDPConn, buf *[largestDatagram]byte) (int, error) {
	n, err := target.Read(buf[:])
	f.last.Store(int64(time.Since(f.born)))
	return n, err
}

func (f *flow) answer(datagram []byte) {
	f.out += uint64(len(datagram))
	_ = f.sock.Send(datagram, f.peer, f.to) // a datagram may be lost
}

// readable waits for a datagram and reads it into a buffer that is borrowed when it is there.
func readable(c *net.UDPConn) (buf *[largestDatagram]byte, n int, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, 0, err
	}
	var failure error
	err = raw.Read(func(fd uintptr) bool {
		buf = datagrams.Get().(*[largestDatagram]byte)
		n, failure = unix.Read(int(fd), buf[:])
		if failure == unix.EAGAIN || failure == unix.EINTR {
			datagrams.Put(buf)
			buf = nil
			return false
		}
		return true
	})
	if err == nil {
		err = failure
	}
	return buf, max(n, 0), err
}
