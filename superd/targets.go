package superd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Bounds of the targets book. Its names are those of the configuration, so there are not many; those of earlier
// configurations are forgotten when it is full.
const (
	targetTTL      = 30 * time.Second // a name's addresses are believed for so long
	targetsLimit   = 1024
	addressLimit   = 8 // of one name
	targetPatience = 5 * time.Second
)

// targets finds the addresses of the hosts that services redirect to. One lookup of a name at a time, at most
// targetPatience long. A resolver that fails or never answers leaves the addresses found before in force.
// The zero value asks the system's resolver. Safe for concurrent use.
type targets struct {
	lookup func(ctx context.Context, host string) ([]netip.Addr, error) // nil: the system's, hosts file and DNS

	mu   sync.Mutex
	book map[string]*targetEntry
}

type targetEntry struct {
	addrs   []netip.Addr  // empty: never found
	err     error         // of the last lookup
	until   time.Time     // when addrs or err should be looked up again
	running chan struct{} // closed when the lookup under way is over; nil: none is
}

// addrs returns the addresses of host, at least one, which is an address itself or a name. While a lookup that follows
// a failed one runs, the old addresses are returned at once.
func (t *targets) addrs(ctx context.Context, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, nil
	}
	t.mu.Lock()
	e := t.entryLocked(host)
	if e.running == nil && !time.Now().Before(e.until) {
		e.running = make(chan struct{})
		go t.find(host, e)
	}
	running := e.running
	if running == nil || e.err != nil && len(e.addrs) > 0 {
		defer t.mu.Unlock()
		return e.found(host)
	}
	t.mu.Unlock()
	var late error
	select {
	case <-running:
	case <-ctx.Done():
		late = ctx.Err()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if late != nil && len(e.addrs) == 0 {
		return nil, fmt.Errorf("look up %s: %w", host, late)
	}
	return e.found(host)
}

func (e *targetEntry) found(host string) ([]netip.Addr, error) {
	if len(e.addrs) == 0 {
		return nil, fmt.Errorf("look up %s: %w", host, e.err)
	}
	return e.addrs, nil
}

func (t *targets) entryLocked(host string) *targetEntry {
	e := t.book[host]
	if e == nil {
		if t.book == nil || len(t.book) >= targetsLimit {
			t.book = map[string]*targetEntry{}
		}
		e = &targetEntry{}
		t.book[host] = e
	}
	return e
}

// find looks the name up, and ends when its time is over even if the resolver does not.
func (t *targets) find(host string, e *targetEntry) {
	lookup := t.lookup
	if lookup == nil {
		lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return (&net.Resolver{PreferGo: true}).LookupNetIP(ctx, "ip", host)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), targetPatience)
	defer cancel()
	addrs, err := lookup(ctx, host)
	if err == nil && len(addrs) == 0 {
		err = errNoAddress
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	ttl := targetTTL
	if e.err = err; err != nil {
		ttl = failureTTL
	} else {
		e.addrs = unmapped(addrs)
	}
	e.until = time.Now().Add(ttl)
	close(e.running)
	e.running = nil
}

// doubt has the name looked up again the next time, since none of its addresses could be reached.
func (t *targets) doubt(host string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e := t.book[host]; e != nil && e.err == nil {
		e.until = time.Time{}
	}
}

var errNoAddress = errors.New("it has no address")

func unmapped(addrs []netip.Addr) []netip.Addr {
	plain := make([]netip.Addr, 0, len(addrs))
	for _, a := range addrs[:min(len(addrs), addressLimit)] {
		plain = append(plain, a.Unmap())
	}
	return plain
}
