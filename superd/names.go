package superd

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// Bounds of the names book. With waiterLimit connections waiting for the resolver, or for what follows it, further
// ones are refused, so a dead resolver costs bounded memory.
const (
	lookupTime  = 5 * time.Second
	nameTTL     = time.Minute
	failureTTL  = 5 * time.Second
	bookLimit   = 4096
	waiterLimit = 256
	namesLimit  = 8 // names of one address that are forward-confirmed
)

// names finds the forward-confirmed host names of addresses, off the accept path: a name counts only if it
// resolves back to the address. Answers, "it has none" too, are kept for nameTTL, failures for failureTTL.
// Safe for concurrent use.
type names struct {
	lookup func(ctx context.Context, addr netip.Addr) answer // confirmedNames, but for tests

	mu      sync.Mutex
	book    map[netip.Addr]*entry
	waiters int
}

type entry struct {
	answer  answer
	expires time.Time // zero while the lookup runs
	waiting []func(answer)
}

// answer is what is known of an address's names. err: the resolver has failed, so that nothing is known.
type answer struct {
	names    []string
	doubtful bool // it has a name that is not, or could not be, confirmed
	err      error
}

func newNames() *names {
	return &names{lookup: confirmedNames, book: map[netip.Addr]*entry{}}
}

// cached returns the names of addr if they are known now; otherwise a lookup is begun, so that they soon are.
func (n *names) cached(addr netip.Addr, now time.Time) (answer, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	e := n.entryLocked(addr, now)
	if e == nil || e.expires.IsZero() {
		return answer{}, false
	}
	return e.answer, true
}

// resolve calls then with the names of addr: at once if they are known, later on another goroutine if not.
// It reports false, and never calls then, when too many are waiting already.
func (n *names) resolve(addr netip.Addr, now time.Time, then func(answer)) bool {
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
		then(e.answer)
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
	ttl := nameTTL
	if found.err != nil {
		ttl = failureTTL
	}

	n.mu.Lock()
	defer n.mu.Unlock()
	e.answer, e.expires = found, time.Now().Add(ttl)
	for _, then := range e.waiting {
		go n.proceed(then, e.answer) // one may have to queue for its service, and must not hold up the others
	}
	e.waiting = nil
}

// proceed is the rest of a connection's way, during which it still counts as waiting.
func (n *names) proceed(then func(answer), a answer) {
	then(a)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.waiters--
}

// confirmedNames asks the system's resolver (hosts file and DNS) for addr's names and keeps those that lead back to it.
// That there is none is no error.
func confirmedNames(ctx context.Context, addr netip.Addr) (a answer) {
	resolver := net.Resolver{PreferGo: true}
	candidates, err := resolver.LookupAddr(ctx, addr.WithZone("").String())
	if err != nil {
		a.err = unlessNotFound(err)
		return a
	}
	for _, name := range candidates[:min(len(candidates), namesLimit)] {
		addrs, err := resolver.LookupNetIP(ctx, "ip", name)
		if err := unlessNotFound(err); err != nil {
			return answer{doubtful: true, err: err}
		}
		if slices.ContainsFunc(addrs, func(found netip.Addr) bool { return found.Unmap() == addr.WithZone("") }) {
			a.names = append(a.names, strings.ToLower(strings.TrimSuffix(name, ".")))
		} else {
			a.doubtful = true
		}
	}
	return a
}

func unlessNotFound(err error) error {
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		return nil
	}
	return err
}
