package superd

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"superd/services"
	"superd/superd/admit"
	"superd/superd/event"
	"superd/superd/socket"
	"superd/superd/spawn"
)

// host is what all services share. All of it is safe for concurrent use.
type host struct {
	version   string // of the program
	starter   *spawn.Starter
	names     *names
	targets   targets
	idents    idents
	registrar registrar
	leaving   connBook // the connections of redirections to their targets
	load      loadavg
	linger    *socket.Lingerer
	log       atomic.Pointer[event.Sink] // the daemon's own messages
	conns     atomic.Uint64              // the last connection's number
	open      openConns
	partings  partings
	ending    atomic.Bool   // nothing more is started
	ended     chan struct{} // closed at the end, for whoever waits for something outside; nil in tests
	history   history
	wraps     wraps
	bans      banBook
	traffic   traffic
	store     *store
	bustle    bustle
	feed      event.Feed             // everything that is logged, and what flags keep out of logs
	roster    atomic.Pointer[roster] // nil until the first configuration is in force

	muxed     atomic.Pointer[muxed]           // never nil while anything is served
	answering atomic.Pointer[map[uint16]bool] // ports of our dgram builtins
}

// answersItself reports whether a datagram from port may come from a service that answers whatever it is sent, ours or
// another machine's: an answer would be answered, and so on for ever.
func (h *host) answersItself(port uint16) bool {
	return services.LoopPort(port) || (*h.answering.Load())[port]
}

// moment is now, as a gate wants to know it; the load is read only for a service that has a max_load.
func (h *host) moment(set *settings) admit.Moment {
	m := admit.Moment{Now: time.Now()}
	if set.Limits.MaxLoad > 0 {
		m.Load = h.load.at(m.Now)
	}
	return m
}

func (h *host) say(e event.Event) {
	h.feed.Add(e)
	h.log.Load().Write(e)
}

// openConns are the connections that builtins serve, so that the end of the daemon can end them.
type openConns struct {
	mu     sync.Mutex
	conns  map[net.Conn]struct{}
	closed bool
	empty  sync.WaitGroup
	idle   chan struct{} // closed when none is left; nil while nobody waits
}

// add reports false when the daemon is stopping.
func (o *openConns) add(c net.Conn) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return false
	}
	if o.conns == nil {
		o.conns = map[net.Conn]struct{}{}
	}
	o.conns[c] = struct{}{}
	o.empty.Add(1)
	return true
}

func (o *openConns) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.conns)
}

func (o *openConns) remove(c net.Conn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.conns, c)
	if len(o.conns) == 0 && o.idle != nil {
		close(o.idle)
		o.idle = nil
	}
	o.empty.Done()
}

// wait returns nil when no connection is left, or the context's error if that ends first.
func (o *openConns) wait(ctx context.Context) error {
	o.mu.Lock()
	if len(o.conns) == 0 {
		o.mu.Unlock()
		return nil
	}
	if o.idle == nil {
		o.idle = make(chan struct{})
	}
	idle := o.idle
	o.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// closeAll ends every connection and waits until their builtins have returned.
func (o *openConns) closeAll() {
	o.mu.Lock()
	o.closed = true
	for c := range o.conns {
		_ = c.SetDeadline(time.Now())
	}
	o.mu.Unlock()
	o.empty.Wait()
}
