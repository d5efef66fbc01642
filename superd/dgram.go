package superd

import (
	"errors"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"superd/superd/admit"
	"superd/superd/socket"
	"superd/superd/spawn"
)

// largestDatagram is what UDP over IPv4 can carry.
const largestDatagram = 65507

// answer serves a dgram builtin: one datagram in, at most one out. There is no connection, so it logs neither START
// nor EXIT, and a REFUSE for each source once a minute.
func (l *listener) answer() {
	request, reply := make([]byte, largestDatagram), make([]byte, 0, largestDatagram)
	trouble := l.trouble()
	for l.admitting() {
		n, peer, to, err := l.sock.Recv(request)
		switch {
		case err == nil:
			trouble.over()
			l.answerOne(request[:n], reply, peer, to)
		case errors.Is(err, socket.ErrInterrupted):
		default:
			trouble.wait(err)
		}
	}
}

func (l *listener) answerOne(request, reply []byte, peer netip.AddrPort, to socket.Destination) {
	if l.host.answersItself(peer.Port()) {
		return
	}
	c := l.newConn(-1, peer)
	defer c.finish()
	if !c.admitDatagram() {
		return
	}
	if c.set.Sensor != nil {
		c.caught()
		c.logRefuse(admit.Sensor, "")
		return
	}
	c.svc.tally().datagrams.Add(1)
	text := c.set.builtin.Dgram(reply, request, time.Now())
	if text != nil {
		_ = l.sock.Send(text, peer, to) // a datagram may be lost
	}
	c.svc.tally().carried(socket.Traffic{In: uint64(len(request)), Out: uint64(len(text))})
}

// admitDatagram asks the gate about the sender of a datagram that superd has taken.
func (c *conn) admitDatagram() bool {
	d, detail, known := c.askAboutSender()
	if !known {
		return false // the lookup has begun; the peer's next try finds it done
	}
	if d.Verdict != admit.OK {
		c.logRefuse(d.Verdict, detail)
		return false
	}
	return true
}

// sessions serves dgram nowait: each peer gets a program of its own, on a socket connected to that peer.
func (l *listener) sessions() {
	datagram := make([]byte, largestDatagram)
	trouble := l.trouble()
	live := sessionTable{sessions: map[sessionKey]int{}}
	for l.admitting() {
		n, peer, to, err := l.sock.Recv(datagram)
		switch {
		case err == nil:
			trouble.over()
			l.session(&live, datagram[:n], peer, to)
		case errors.Is(err, socket.ErrInterrupted):
		default:
			trouble.wait(err)
		}
	}
}

// sessionKey is what makes two datagrams belong to one program: from whom, and asked at which address.
type sessionKey struct {
	peer netip.AddrPort
	to   socket.Destination
}

// sessionTable knows the connected sockets whose programs run. Ours of each is kept open until its program has left, so that
// a datagram of that peer never comes back to the listener and is never forwarded in a circle.
type sessionTable struct {
	mu       sync.Mutex
	sessions map[sessionKey]int // the connected socket
}

func (t *sessionTable) has(k sessionKey) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, ok := t.sessions[k]
	return ok
}

func (t *sessionTable) put(k sessionKey, fd int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sessions[k] = fd
}

// end forgets the session and closes our end of it.
func (t *sessionTable) end(k sessionKey) {
	t.mu.Lock()
	defer t.mu.Unlock()
	_ = unix.Close(t.sessions[k])
	delete(t.sessions, k)
}

// session starts a program for a new peer. A datagram of a peer that has one was sent before its socket was connected: it is passed on.
func (l *listener) session(live *sessionTable, datagram []byte, peer netip.AddrPort, to socket.Destination) {
	key := sessionKey{peer, to}
	if live.has(key) {
		_ = l.sock.Forward(datagram, peer, to) // where that cannot be done, UDP may lose a datagram
		return
	}
	c := l.newConn(-1, peer)
	if !c.admitDatagram() {
		c.finish()
		return
	}
	if err := c.openSession(live, key, datagram); err != nil {
		c.logRefuse(admit.Fork, err.Error())
		c.finish()
	}
}

func (c *conn) openSession(live *sessionTable, key sessionKey, datagram []byte) error {
	fd, err := c.sock.Connected(datagram, key.peer, key.to)
	if err != nil {
		return err
	}
	c.local, _ = socket.Local(fd)
	live.put(key, fd)
	c.ended = func(spawn.Exit) { live.end(key) }
	if err := c.start(fd); err != nil {
		live.end(key)
		return err
	}
	return nil
}
