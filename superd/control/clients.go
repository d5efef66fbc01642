package control

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// clients are the connections to the control socket. The zero value has none. Safe for concurrent use.
type clients struct {
	mu  sync.Mutex
	all map[*client]struct{}
}

// client is one of them, and who is at its other end.
type client struct {
	net.Conn
	peer   Peer
	access Access
	idle   bool      // asks for nothing now; guarded by clients.mu
	since  time.Time // when it became so
}

// counted is a listener whose connections are clients.
type counted struct {
	*Listener
	clients *clients
}

// Accept makes room when there are too many: who has asked for nothing the longest has to go. So any number of clients that
// connect and say nothing costs as much as maxClients of them, and keeps nobody out.
func (l *counted) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.accept()
		if err != nil {
			return nil, err
		}
		peer, err := peerOf(c)
		cl := &client{Conn: c, peer: peer, access: l.Listener.Access(), idle: true, since: time.Now()}
		if err == nil && l.clients.add(cl) {
			return cl, nil
		}
		_ = c.Close() // all of them are being answered: this one may try again
	}
}

// add reports false if there is no room for one more. Root takes the place of others, not they root's.
func (cs *clients) add(c *client) bool {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.all == nil {
		cs.all = map[*client]struct{}{}
	}
	if len(cs.all) >= maxClients && !cs.makeRoomLocked(c) {
		return false
	}
	cs.all[c] = struct{}{}
	return true
}

func (cs *clients) makeRoomLocked(c *client) bool {
	var victim *client
	for o := range cs.all {
		if o.idle && (c.peer.Trusted || !o.peer.Trusted) && (victim == nil || o.since.Before(victim.since)) {
			victim = o
		}
	}
	if victim == nil {
		return false
	}
	delete(cs.all, victim)
	_ = victim.Conn.Close()
	return true
}

// note follows the HTTP server's view of a connection.
func (cs *clients) note(c net.Conn, state http.ConnState) {
	cl, ok := c.(*client)
	if !ok {
		return
	}
	cs.mu.Lock()
	defer cs.mu.Unlock()
	switch state {
	case http.StateClosed, http.StateHijacked:
		delete(cs.all, cl)
	default:
		cl.idle, cl.since = state != http.StateActive, time.Now()
	}
}

func (cs *clients) len() int {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return len(cs.all)
}
