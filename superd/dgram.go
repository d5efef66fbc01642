package superd

import (
	"errors"
	"net/netip"
	"sync"

	"golang.org/x/sys/unix"

	"superd/superd/admit"
	"superd/superd/config"
	"superd/superd/socket"
	"superd/superd/spawn"
)

// largestDatagram is what UDP over IPv4 can carry.
const largestDatagram = 65507

// answer serves a dgram builtin: one datagram in, at most one out. There is no connection, so it logs neither START
// nor EXIT, and a REFUSE for each source once a minute.
func (l *listener) answer() {
	trouble := l.trouble()
	batch, err := socket.NewBatch()
	for ; err != nil; batch, err = socket.NewBatch() {
		if trouble.wait(err); l.stopping() {
			return
		}
	}
	defer batch.Close()
	for l.admitting() {
		err := l.sock.Receive(batch, l.atOnce())
		switch {
		case err == nil:
			trouble.over()
			l.answerAll(batch)
		case errors.Is(err, socket.ErrInterrupted):
		default:
			trouble.wait(err)
		}
	}
}

// atOnce is how many datagrams may be taken without asking the gate: where it makes them wait they wait in the kernel.
func (l *listener) atOnce() int {
	limits := &l.svc.current.Load().Limits
	if limits.CPS.Rate > 0 && (limits.OnCPS == config.Queue || limits.OnCPS == config.Pause) {
		return 1
	}
	return socket.BatchSize
}

func (l *listener) answerAll(batch *socket.Batch) {
	set := l.use()
	defer set.drop()
	now := l.host.moment(set)
	plain := set.Sensor == nil && l.rules(set, now.Now) == nil
	var in, out, n uint64
	for i := range batch.Len() {
		d := l.sock.Datagram(batch, i)
		if l.host.answersItself(d.Peer.Port()) || !l.admitDatagram(set, d.Peer, now, plain) {
			continue
		}
		text := set.builtin.Dgram(batch.Room(i), d.Data, now.Now)
		if text != nil {
			l.sock.Answer(batch, i, &d, text)
		}
		n, in, out = n+1, in+uint64(len(d.Data)), out+uint64(len(text))
	}
	l.sock.SendAll(batch)
	l.svc.tally().datagrams.Add(n)
	l.svc.tally().carried(socket.Traffic{In: in, Out: out})
}

// admitDatagram asks the gate about a datagram that is answered here and now. Most need no conn: where the service is plain, no
// sensor and without rules of hosts.allow and hosts.deny, and the peer neither banned nor known by name.
func (l *listener) admitDatagram(set *settings, peer netip.AddrPort, now admit.Moment, plain bool) bool {
	if _, banned := l.host.bans.Find(peer.Addr(), now.Now); plain && !banned && !l.svc.gate.NeedsNames(peer.Addr()) {
		d := l.svc.gate.Admit(admit.Peer{Addr: peer.Addr()}, now)
		if d.Verdict == admit.OK {
			l.svc.gate.Release(d.Slot)
			return true
		}
		if d.Policy != config.Queue {
			c := l.newConn(-1, peer)
			defer c.finish()
			c.logRefuse(d.Verdict, "")
			return false
		}
	}
	c := l.newConn(-1, peer)
	defer c.finish()
	if !c.admitDatagram() {
		return false
	}
	if set.Sensor != nil {
		c.caught()
		c.logRefuse(admit.Sensor, "")
		return false
	}
	return true
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
