package superd

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// Bounds of the names book. A lookup that takes longer than lookupTime counts as "no name"; with waiterLimit
// connections waiting for the resolver, further ones are refused, so a dead resolver costs bounded memory.
const (
	lookupTime  = 5 * time.Second
	nameTTL     = time.Minute
	bookLimit   = 4096
	waiterLimit = 256
	namesLimit  = 8 // names of one address that are forward-confirmed
)

// names finds the forward-confirmed host names of addresses, off the accept path: a name counts only if it
// resolves back to the address. Answers, empty ones too, are kept for nameTTL. Safe for concurrent use.
type names struct {
	lookup func(ctx context.Context, addr netip.Addr) []string // confirmedNames, but for tests

	mu      sync.Mutex
	book    map[netip.Addr]*entry
	waiters int
}

type entry struct {
	names   []string
	expires time.Time // zero while the lookup runs
	waiting []func([]string)
}

func newNames() *names {
	return &names{lookup: confirmedNames, book: map[netip.Addr]*entry{}}
}

// cached returns the names of addr if they are known now; otherwise a lookup is begun, so that they soon are.
func (n *names) cached(addr netip.Addr, now time.Time) ([]string, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	e := n.entryLocked(addr, now)
	if e == nil || e.expires.IsZero() {
		return nil, false
	}
	return e.names, true
}

// resolve calls then with the names of addr: at once if they are known, later on another goroutine if not.
// It reports false, and never calls then, when too many are waiting already.
func (n *names) resolve(addr netip.Addr, now time.Time, then func([]string)) bool {
	n.mu.Lock()
	if n.waiters >= waiterLimit {
		n.mu.Unlock()
		return false
	}
	e := n.entryLocked(addr, now)
	if e == nil {
		n.mu.Unlock()
		return false
	}
	if !e.expires.IsZero() {
		n.mu.Unlock()
		then(e.names)
		return true
	}
	e.waiting = append(e.waiting, then)
	n.waiters++
	n.mu.Unlock()
	return true
}

// entryLocked returns addr's entry, beginning its lookup if there is none; nil when the book is full of running lookups.
func (n *names) entryLocked(addr netip.Addr, now time.Time) *entry {
	if e := n.book[addr]; e != nil && (e.expires.IsZero() || now.Before(e.expires)) {
		return e
	}
	if len(n.book) >= bookLimit && !n.makeRoomLocked(now) {
		return nil
	}
	e := &entry{}
	n.book[addr] = e
	go n.fill(addr, e)
	return e
}

// makeRoomLocked forgets what has expired, or else any one answer.
func (n *names) makeRoomLocked(now time.Time) bool {
	var spare netip.Addr
	for a, e := range n.book {
		if e.expires.IsZero() {
			continue
		}
		if now.After(e.expires) {
			delete(n.book, a)
		}
		spare = a
	}
	delete(n.book, spare)
	return len(n.book) < bookLimit
}

func (n *names) fill(addr netip.Addr, e *entry) {
	ctx, cancel := context.WithTimeout(context.Background(), lookupTime)
	found := n.lookup(ctx, addr)
	cancel()

	n.mu.Lock()
	e.names, e.expires = found, time.Now().Add(nameTTL)
	waiting := e.waiting
	e.waiting = nil
	n.waiters -= len(waiting)
	n.mu.Unlock()
	for _, then := range waiting {
		then(found)
	}
}

// confirmedNames asks the system's resolver (hosts file and DNS) for addr's names and keeps those that lead back to it.
func confirmedNames(ctx context.Context, addr netip.Addr) []string {
	resolver := net.Resolver{PreferGo: true}
	candidates, err := resolver.LookupAddr(ctx, addr.WithZone("").String())
	if err != nil {
		return nil
	}
	var confirmed []string
	for _, name := range candidates[:min(len(candidates), namesLimit)] {
		addrs, err := resolver.LookupNetIP(ctx, "ip", name)
		if err != nil {
			continue
		}
		for _, a := range addrs {
			if a.Unmap() == addr.WithZone("") {
				confirmed = append(confirmed, strings.ToLower(strings.TrimSuffix(name, ".")))
				break
			}
		}
	}
	return confirmed
}
