package superd

import (
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"superd/services"
	"superd/superd/socket"
)

// A builtin that says one text and is done (daytime, time) is served on the listener's goroutine: it writes, half-closes, and leaves
// the connection among the partings until the peer has closed too. Closing at once would reset a peer that has spoken,
// and the reset could destroy the text on its way (RFC 1122, 4.2.2.13).

// brief serves the connection, if that can be done here.
func (c *conn) brief() bool {
	text := c.set.builtin.Text
	if text == nil || !c.inline || c.set.MaxLifetime > 0 || len(c.set.Banner)+len(c.set.BannerSuccess) > 0 {
		return false
	}
	p := &c.host.partings
	if !p.room() {
		return false
	}
	c.since = time.Now()
	c.logStart(0)
	var memory [64]byte
	said := text(memory[:0], c.since)
	socket.SendLast(c.fd, said)
	c.svc.gate.Release(c.slot) // it has been served
	p.add(parting{conn: c, said: len(said)})
	return true
}

// partings are connections that have had their text, of all services. Whoever adds one looks after some others, so that under load
// they cost neither a goroutine nor a place in the poller; a timer looks after all while there are any. The zero value is
// ready; safe for concurrent use.
type partings struct {
	mu   sync.Mutex
	all  []parting
	next int // which is looked at next

	timer *time.Timer
	wait  time.Duration // of the timer; 0: it does not run

	some   sync.WaitGroup // one for each
	closed bool           // by leave
}

// parting is a connection that ends when its peer has closed too, has said too much, or has had enough time.
type parting struct {
	*conn
	heard uint64
	said  int
}

const (
	mostPartings = 32 // beyond them, a connection gets a goroutine
	partEach     = 2  // are looked after when one is added
	partSoon     = time.Millisecond
	partLate     = 50 * time.Millisecond
)

func (p *partings) room() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.all) < mostPartings && !p.closed
}

func (p *partings) add(x parting) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for range min(partEach, len(p.all)) {
		p.lookLocked(x.since)
	}
	p.all = append(p.all, x)
	p.some.Add(1)
	if p.wait != partSoon {
		p.armLocked(partSoon)
	}
}

func (p *partings) armLocked(wait time.Duration) {
	p.wait = wait
	if p.timer == nil {
		p.timer = time.AfterFunc(wait, p.lookAll)
	} else {
		p.timer.Reset(wait)
	}
}

// lookAll is the timer's. It comes again while there are any, later each time.
func (p *partings) lookAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.next = 0
	for range len(p.all) {
		p.lookLocked(now)
	}
	if len(p.all) > 0 {
		p.armLocked(min(max(2*p.wait, partSoon), partLate))
	} else {
		p.wait = 0
	}
}

// lookLocked looks after the next one.
func (p *partings) lookLocked(now time.Time) {
	if p.next >= len(p.all) {
		p.next = 0
	}
	x := &p.all[p.next]
	if !x.over(now) {
		p.next++
		return
	}
	x.end(now)
	last := len(p.all) - 1
	p.all[p.next], p.all[last] = p.all[last], parting{}
	p.all = p.all[:last]
	p.some.Done()
}

// leave waits until none is left, which takes no longer than services.DrainTime and partLate. The listeners have ended.
func (p *partings) leave() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.some.Wait()
}

// over reports whether there is nothing more to wait for.
func (x *parting) over(now time.Time) bool {
	n, err := socket.Discard(x.fd, services.DrainBytes)
	x.heard += uint64(n)
	switch {
	case err == unix.EAGAIN:
		return now.Sub(x.since) >= services.DrainTime
	case err != nil || n == 0:
		return true
	}
	return x.heard >= services.DrainBytes
}

func (x *parting) end(now time.Time) {
	socket.LetGo(x.fd)
	x.logBuiltinExit(now.Sub(x.since), socket.Traffic{In: x.heard, Out: uint64(x.said)})
	x.set.drop()
}
