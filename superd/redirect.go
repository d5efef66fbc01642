package superd

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"superd/services"
	"superd/superd/admit"
	"superd/superd/config"
	"superd/superd/socket"
)

// redirect connects the client to the service's target and carries bytes both ways until both sides are done. What the
// client says meanwhile waits in the kernel. A target that cannot be reached refuses the client.
func (c *conn) redirect(client *socket.Conn) {
	target, err := c.dialTarget("tcp")
	if err != nil {
		c.logRefuse(admit.Target, err.Error())
		if c.fd, err = client.Release(); err == nil {
			c.dismiss(config.Refuse)
		}
		return
	}
	defer target.Close()
	stream := target.(*net.TCPConn)
	if c.set.Socket.KeepAlive {
		_ = stream.SetKeepAlive(true) // an option that cannot be set is worth less than the connection
	}
	_ = client.SetNoDelay() // nothing is held back that the target has sent on its way
	defer c.host.leaving.add(target)()

	began := time.Now()
	c.logStart(0)
	in, out, _ := services.Relay(client, stream, c.set.Redirect.Idle) // a peer that fails is the peer's business; the exit is logged
	c.logBuiltinExit(time.Since(began), socket.Traffic{In: uint64(in), Out: uint64(out)})
}

// errCircle is a target that has turned out to be superd itself.
var errCircle = errors.New("the target leads back to superd's own redirections")

// dialTarget reaches the target of the conn's redirection within the time there is. The caller closes it.
func (c *conn) dialTarget(network string) (net.Conn, error) {
	if c.host.leaving.has(c.peer, c.local) {
		return nil, errCircle
	}
	r := c.set.Redirect
	ctx, cancel := c.host.until(r.Connect)
	defer cancel()
	addrs, err := c.host.targets.addrs(ctx, r.Host)
	if err != nil {
		return nil, err
	}
	if network == "udp" { // nobody tells whether a datagram arrives, so the choice is made in advance, and as xinetd does
		addrs = slices.SortedStableFunc(slices.Values(addrs), func(a, b netip.Addr) int { return cmp.Compare(a.BitLen(), b.BitLen()) })
	}
	target, err := dialAny(ctx, network, addrs, r.Port)
	switch {
	case err != nil:
		c.host.targets.doubt(r.Host)
		return nil, err
	case c.host.leaving.has(c.peer, c.local): // it may have come before it was noted
		_ = target.Close()
		return nil, errCircle
	}
	return target, nil
}

// until is a context that ends with the daemon, or after d if that is not 0.
func (h *host) until(d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	if d > 0 {
		cancel()
		ctx, cancel = context.WithTimeout(context.Background(), d)
	}
	go func() {
		select {
		case <-h.ended:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// nextAddress is how long one address may keep the next from being tried (RFC 8305, 5).
const nextAddress = 250 * time.Millisecond

// dialAny connects to the first of the addresses that answers. Each gets a start over the next, which ends at once if it
// fails. The error is that of the first address.
func dialAny(ctx context.Context, network string, addrs []netip.Addr, port uint16) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type attempt struct {
		conn net.Conn
		err  error
	}
	results := make(chan attempt, len(addrs))
	dialer := net.Dialer{KeepAlive: -1}
	next, pending := 0, 0
	var failure error
	for {
		var later <-chan time.Time
		if next < len(addrs) {
			at := netip.AddrPortFrom(addrs[next], port).String()
			go func() {
				conn, err := dialer.DialContext(ctx, network, at)
				results <- attempt{conn, err}
			}()
			next, pending = next+1, pending+1
		}
		if next < len(addrs) {
			later = time.After(nextAddress)
		}
		select {
		case <-later:
		case a := <-results:
			pending--
			if a.err == nil {
				go func() { // the others are cancelled, but one may have come through
					for range pending {
						if late := <-results; late.err == nil {
							_ = late.conn.Close()
						}
					}
				}()
				return a.conn, nil
			}
			if failure == nil {
				failure = a.err
			}
			if pending == 0 && next == len(addrs) {
				return nil, failure
			}
		}
	}
}

// connBook knows connections that superd itself makes. The zero value is empty.
type connBook struct{ book sync.Map } // tuple → struct{}

// tuple is a connection as the kernel tells connections apart: one port may have several, to different places.
type tuple struct{ from, to netip.AddrPort }

func tupleOf(from, to netip.AddrPort) tuple {
	plain := func(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }
	return tuple{plain(from), plain(to)}
}

// add returns what forgets the connection again.
func (b *connBook) add(c net.Conn) func() {
	from, err := netip.ParseAddrPort(c.LocalAddr().String())
	if err != nil {
		return func() {}
	}
	to, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return func() {}
	}
	key := tupleOf(from, to)
	b.book.Store(key, struct{}{})
	return func() { b.book.Delete(key) }
}

// has reports whether the connection that came from there to here is one of the book.
func (b *connBook) has(from, to netip.AddrPort) bool {
	_, ok := b.book.Load(tupleOf(from, to))
	return ok
}
