package superd

import (
	"errors"
	"sync/atomic"
	"time"

	"superd/superd/admit"
	"superd/superd/event"
	"superd/superd/socket"
	"superd/superd/spawn"
)

// drainTime is how long a retired listener gives handshakes that are under way.
const drainTime = 200 * time.Millisecond

// A listener that cannot accept waits this long, doubling. The clients wait in the kernel's backlog meanwhile.
const (
	shortestPause = 5 * time.Millisecond
	longestPause  = time.Second
)

// listener serves one socket for one service in one mode, in one goroutine.
//
// The supervisor owns it: it alone starts and stops it. The socket belongs to the supervisor too, but for a
// retired listener, which drains and closes its socket itself.
type listener struct {
	host *host
	svc  *service
	sock *socket.Socket
	mode mode
	sift bool // the kernel keeps packets out, and they are counted

	stop    chan struct{}           // closed by halt
	retire  bool                    // set before stop is closed
	done    chan struct{}           // closed when the goroutine has ended
	busy    chan struct{}           // closed when the wait program that borrowed the socket has left; nil: none did
	ailing  atomic.Pointer[ailment] // for those who look; nil: nothing is wrong
	saidIll atomic.Int32            // what was said of its trouble
	set     *settings               // the service's latest of this mode, in use by the goroutine until it ends
	pulse   pulse

	aloft  aloft
	rushed bool // the last connection was there already
}

// listen starts a listener. busy is that of the listener which had the socket before, if any.
func (h *host) listen(svc *service, sock *socket.Socket, busy chan struct{}) *listener {
	l := newListener(h, svc, sock, busy)
	sock.Resume()
	go func() {
		defer close(l.done)
		defer func() { l.set.drop() }()
		l.serve()
		if l.retire {
			_ = l.sock.Close()
			l.host.store.forget(l.sock)
		}
	}()
	return l
}

func newListener(h *host, svc *service, sock *socket.Socket, busy chan struct{}) *listener {
	set := svc.hold()
	return &listener{
		host: h, svc: svc, sock: sock, mode: set.mode(), sift: set.Socket.Peers != nil, busy: busy, set: set,
		stop: make(chan struct{}), done: make(chan struct{}),
	}
}

// use returns the settings for a connection that is accepted now, in use by it. They are the service's current ones,
// unless a reload that is under way has changed the mode and will replace this listener: then they are its last.
func (l *listener) use() *settings {
	if l.svc.current.Load() != l.set {
		if now := l.svc.hold(); now.mode() == l.mode {
			l.set.drop()
			l.set = now
		} else {
			now.drop()
		}
	}
	l.pulse.beat()
	l.set.users.Add(1) // it has the listener's own use, so it is not over
	return l.set
}

func (l *listener) serve() {
	defer l.countDrops()()
	if !l.returned() { // a listener before this one has lent the socket
		return
	}
	switch l.mode {
	case acceptProgram, acceptBuiltin:
		l.accept()
	case waitProgram:
		l.wait()
	case relayDgram:
		l.relay()
	case answerDgram:
		l.answer()
	case sessionDgram:
		l.sessions()
	}
}

// halt tells the listener to stop: at once, or, when it is retired, after it has served whoever is connected already.
// The socket stays open for another listener unless it is retired.
func (l *listener) halt(retire bool) {
	l.retire = retire
	close(l.stop)
	l.sock.Interrupt()
}

// over reports whether the listener has ended.
func (l *listener) over() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

func (l *listener) stopping() bool {
	select {
	case <-l.stop:
		return true
	default:
		return false
	}
}

// admitting waits until the gate lets the service accept (policies queue and pause); false when the listener stops.
func (l *listener) admitting() bool {
	for !l.stopping() {
		wait, ok := l.svc.gate.Ready(l.host.moment(l.svc.current.Load()))
		if ok {
			return true
		}
		l.await(wait)
	}
	return false
}

// await waits as w says, or less if the listener is stopped.
func (l *listener) await(w admit.Wait) {
	l.leave()
	defer l.pulse.rest()()
	var after <-chan time.Time
	if w.After > 0 {
		t := time.NewTimer(w.After)
		defer t.Stop()
		after = t.C
	}
	select {
	case <-after:
	case <-w.Changed:
	case <-l.stop:
	}
}

// ailment is why a listener does not serve for a while.
type ailment struct {
	reason string
	until  time.Time // when it tries again
}

func (l *listener) ail(reason string, wait time.Duration) {
	l.ailing.Store(&ailment{reason, time.Now().Add(wait)})
}

// What was said of a listener's trouble: nothing since it was over, that something is wrong, or EXHAUSTED.
const (
	well = iota
	warned
	exhausted
)

// trouble paces a loop whose system calls fail: it waits longer each time. The first of a listener's says so, and the first that is over
// says that.
type trouble struct {
	*listener
	pace backoff
}

func (l *listener) trouble() trouble {
	return trouble{listener: l, pace: backoff{first: shortestPause, limit: longestPause}}
}

func (t *trouble) wait(err error) {
	pause := t.pace.next()
	t.ail(err.Error(), pause)
	switch lacking := socket.Exhausted(err) || spawn.Temporary(err); {
	case lacking && t.saidIll.Swap(exhausted) != exhausted:
		t.host.say(event.Exhausted(t.svc.id, err))
	case !lacking && t.saidIll.CompareAndSwap(well, warned):
		t.host.say(event.Warn(t.svc.id, err.Error()))
	}
	t.await(admit.Wait{After: pause})
}

// over is for a call that has succeeded, after some that may have failed.
func (t *trouble) over() {
	if t.pace.reset() {
		t.recovered()
	}
}

// recovered is for when a listener does again what had failed.
func (l *listener) recovered() {
	if l.saidIll.Load() == well {
		return
	}
	l.ailing.Store(nil)
	if l.saidIll.Swap(well) == exhausted {
		l.host.say(event.Recovered(l.svc.id))
	}
}

// accept serves a stream service whose connections superd accepts itself.
func (l *listener) accept() {
	trouble := l.trouble()
	for l.admitting() {
		fd, peer, err := l.arrival()
		switch {
		case err == nil:
			trouble.over()
			l.take(fd, peer)
		case errors.Is(err, socket.ErrInterrupted):
		default:
			trouble.wait(err)
		}
	}
	if l.retire {
		l.drain()
	}
	l.leave()
	l.aloft.all.Wait()
}

// drain serves the connections that the kernel completed before the listener was retired, so that none is reset.
func (l *listener) drain() {
	if err := l.sock.Retire(drainTime); err != nil {
		l.host.say(event.Warn(l.svc.id, err.Error()))
		return
	}
	l.sock.Resume()
	for {
		fd, peer, err := l.arrival()
		if err != nil {
			return
		}
		l.take(fd, peer)
	}
}
