package superd

import (
	"context"
	"net/netip"
	"sync/atomic"
	"time"

	"superd/superd/admit"
	"superd/superd/config"
	"superd/superd/event"
	"superd/superd/ident"
	"superd/superd/socket"
)

// Bounds of what is asked of ident servers, which anybody runs. Beyond identLimit questions under way, connections go
// without, and a service with the flag IDONLY refuses.
const (
	identTime  = 10 * time.Second
	identLimit = 128
)

// idents asks whose connections they are (RFC 1413), off the accept path. The zero value is ready; safe for concurrent use.
type idents struct {
	asking atomic.Int32
	ask    func(ctx context.Context, local, peer netip.AddrPort) (ident.Reply, error) // ident.Ask, but for tests
}

// resolve calls then on another goroutine with what the peer's host says. It reports false, and never calls then, when too
// many questions are under way.
func (i *idents) resolve(h *host, local, peer netip.AddrPort, then func(ident.Reply, error)) bool {
	if i.asking.Add(1) > identLimit {
		i.asking.Add(-1)
		return false
	}
	go func() {
		defer i.asking.Add(-1)
		ask := i.ask
		if ask == nil {
			ask = ident.Ask
		}
		ctx, cancel := h.until(identTime)
		reply, err := ask(ctx, local, peer)
		cancel()
		then(reply, err)
	}()
	return true
}

// identifiable reports whether the connection is one that ident servers know: of a stream, with a peer. An ident server's own
// clients are not asked after: two of them would ask each other for ever.
func (c *conn) identifiable() bool {
	return c.set.SocketType == config.Stream && c.peer.IsValid() && c.local.IsValid() && c.local.Port() != ident.Port
}

// identify goes on to serve only when the peer's host has said whose connection it is (flag IDONLY).
func (c *conn) identify() {
	if !c.identifiable() {
		c.refuse(admit.Decision{Verdict: admit.Ident}, "nobody can be asked about this connection")
		return
	}
	c.inline = false
	asked := c.host.idents.resolve(c.host, c.local, c.peer, func(r ident.Reply, err error) {
		switch {
		case c.cutOff():
			return
		case err != nil:
			c.refuse(admit.Decision{Verdict: admit.Ident}, err.Error())
			return
		}
		c.user = r
		c.serve()
	})
	if !asked {
		c.refuse(admit.Decision{Verdict: admit.Ident}, "too many questions to ident servers under way")
	}
}

// logUser logs whose connection it is, now or when the peer's host has said so; nothing if it does not.
func (c *conn) logUser() {
	switch {
	case c.set.Log.OnSuccess&config.LogUserID == 0 || !c.identifiable():
	case c.user.User != "":
		c.writeUser(c.set.Log.OnSuccess, c.user)
	default:
		set := c.set
		set.users.Add(1) // it has the connection's own use, so it is not over
		asked := c.host.idents.resolve(c.host, c.local, c.peer, func(r ident.Reply, err error) {
			if err == nil {
				c.writeUser(set.Log.OnSuccess, r)
			}
			set.drop()
		})
		if !asked {
			set.drop()
		}
	}
}

// logRefusedUser logs whose connection was refused, and ends it only then, since the peer's host does not know it any
// longer; false if nobody can be asked. end is called on another goroutine.
func (c *conn) logRefusedUser(end func()) bool {
	if c.host.ending.Load() {
		return false
	}
	c.local, _ = socket.Local(c.fd)
	return c.identifiable() && c.host.idents.resolve(c.host, c.local, c.peer, func(r ident.Reply, err error) {
		if err == nil {
			c.writeUser(c.set.Log.OnFailure, r)
		}
		end()
	})
}

func (c *conn) writeUser(flags config.LogFlags, r ident.Reply) {
	c.set.sink.UserID(flags, event.UserID{Service: c.svc.id, ConnID: c.id, Text: r.String()})
}
