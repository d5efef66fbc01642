package superd

import (
	"bytes"
	"errors"
	"net/netip"
	"time"

	"superd/superd/admit"
	"superd/superd/config"
	"superd/superd/event"
	"superd/superd/socket"
	"superd/superd/spawn"
)

// A wait program that leaves without having taken its input is started again after this long, doubling. One that
// leaves in good order may just be quick and the socket busy, so it never waits for more than orderlyBackoff.
const (
	firstBackoff   = 100 * time.Millisecond
	orderlyBackoff = 200 * time.Millisecond
	longestBackoff = 30 * time.Second
	quickExit      = time.Second
)

// wait serves a service whose program gets the socket itself: readable, gate, start, stop watching, reap, watch again.
func (l *listener) wait() {
	trouble := l.trouble()
	pace := backoff{first: firstBackoff, limit: longestBackoff}
	for l.admitting() {
		err := l.sock.WaitReadable()
		switch {
		case err == nil:
			trouble.over()
			l.waitOnce(&pace)
		case errors.Is(err, socket.ErrInterrupted):
		default:
			trouble.wait(err)
		}
	}
}

// waitOnce admits whoever has made the socket readable, and runs the program until it leaves.
func (l *listener) waitOnce(pace *backoff) {
	c := l.newConn(-1, netip.AddrPort{})
	before, waiting := c.pending()
	if !waiting {
		c.finish()
		return
	}
	c.peer = before.peer
	d, detail, known := c.askAboutSender()
	if !known {
		l.sock.Drop() // the lookup has begun; the peer's next try finds it done
		c.finish()
		return
	}
	if d.Verdict != admit.OK {
		c.refuseWaiting(d, detail)
		return
	}
	c.lend(before, pace)
}

// pending is what a wait program is started for. Two pendings are equal if nothing was taken in between.
type pending struct {
	peer   netip.AddrPort // dgram
	length int            // dgram: of the first datagram; stream: of the accept queue
	head   []byte         // dgram: how it begins
}

const headLength = 64

// pending looks at what waits in the socket without taking it; false if nothing does any more.
func (c *conn) pending() (pending, bool) {
	if c.set.SocketType == config.Stream {
		n, err := c.sock.Backlog()
		return pending{length: n}, err == nil && n > 0
	}
	head := make([]byte, headLength)
	n, peer, err := c.sock.Peek(head)
	if err != nil {
		return pending{}, false
	}
	return pending{peer: peer, length: n, head: head[:min(n, headLength)]}, true
}

// took reports whether a program that found before has taken its input, as far as after can tell.
func took(before, after pending, t config.SocketType) bool {
	if t == config.Stream {
		return after.length < before.length
	}
	return after.peer != before.peer || after.length != before.length || !bytes.Equal(after.head, before.head)
}

// askAboutSender is decideNow for a datagram, which does not wait for names; false if they have to be looked up first, which has begun.
func (c *conn) askAboutSender() (d admit.Decision, detail string, known bool) {
	if b, banned := c.banned(); banned {
		return admit.Decision{Verdict: admit.Sensor}, b.Sensor, true
	}
	if !c.peer.IsValid() || !c.svc.gate.NeedsNames(c.peer.Addr()) {
		return c.decideNow(nil)
	}
	a, known := c.host.names.cached(c.peer.Addr(), time.Now())
	switch {
	case !known:
		return admit.Decision{}, "", false
	case a.err != nil:
		return admit.Decision{Verdict: admit.Lookup}, a.err.Error(), true
	}
	return c.decideNow(a.names)
}

// refuseWaiting takes away what the program may not have: the one datagram, or the one connection.
func (c *conn) refuseWaiting(d admit.Decision, detail string) {
	if c.set.SocketType == config.Dgram {
		c.logRefuse(d.Verdict, detail)
		c.sock.Drop()
		c.finish()
		return
	}
	fd, peer, err := c.sock.Accept(false)
	if err != nil {
		c.finish()
		return // interrupted, or out of descriptors: the loop finds out
	}
	c.fd, c.peer = fd, peer
	c.refuse(d, detail)
}

// lend starts the program on the socket and returns when it has left, or the listener is stopped.
func (c *conn) lend(before pending, pace *backoff) {
	began := time.Now()
	left := make(chan spawn.Exit, 1)
	c.listener.busy = make(chan struct{})
	busy := c.listener.busy
	c.ended = func(e spawn.Exit) { left <- e; close(busy) }
	fd, err := c.sock.Lend()
	if err == nil {
		err = c.start(fd)
	}
	if err != nil {
		c.reclaim()
		c.listener.busy = nil
		c.logRefuse(admit.Fork, err.Error())
		c.finish()
		c.backOff(pace, longestBackoff, err.Error())
		return
	}
	defer c.pulse.rest()()
	select {
	case e := <-left:
		c.listener.busy = nil
		c.reclaim()
		c.judge(before, e, time.Since(began), pace)
	case <-c.stop:
	}
}

// judge backs off if the program did not take its input, so that it is not started hot; what is queued stays queued.
func (c *conn) judge(before pending, e spawn.Exit, ran time.Duration, pace *backoff) {
	after, waiting := c.pending()
	orderly := e.Code == 0
	switch {
	case !waiting || took(before, after, c.set.SocketType) || (orderly && ran >= quickExit):
		if pace.reset() {
			c.host.say(event.Recovered(c.svc.id))
		}
	case orderly && c.set.SocketType == config.Stream:
		c.backOff(pace, orderlyBackoff, "left without taking its input")
	default:
		c.backOff(pace, longestBackoff, "left without taking its input")
	}
}

func (c *conn) backOff(pace *backoff, limit time.Duration, why string) {
	wait := min(pace.next(), limit)
	c.host.say(event.Backoff(c.svc.id, why, wait))
	c.ail(why, wait)
	c.await(admit.Wait{After: wait})
	c.ailing.Store(nil)
}

// reclaim takes the socket back from a program that has left.
func (l *listener) reclaim() {
	if err := l.sock.Reclaim(); err != nil && !errors.Is(err, socket.ErrClosed) {
		l.host.say(event.Warn(l.svc.id, err.Error()))
	}
}

// returned waits until a wait program that an earlier listener started on this socket has left; false when stopped.
func (l *listener) returned() bool {
	if l.busy == nil {
		return true
	}
	defer l.pulse.rest()()
	select {
	case <-l.busy:
		l.busy = nil
		l.reclaim()
		return true
	case <-l.stop:
		return false
	}
}
