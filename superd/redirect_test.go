package superd

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func addrs(text ...string) []netip.Addr {
	var all []netip.Addr
	for _, a := range text {
		all = append(all, netip.MustParseAddr(a))
	}
	return all
}

func TestDialAny(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := uint16(l.Addr().(*net.TCPAddr).Port)
	c, err := dialAny(t.Context(), "tcp", addrs("127.0.0.3", "127.0.0.2", "127.0.0.1"), port)
	if err != nil {
		t.Fatalf("one of three answers: %v", err)
	}
	c.Close()
	if _, err = dialAny(t.Context(), "tcp", addrs("127.0.0.3", "127.0.0.2"), port); !errors.Is(err, syscall.ECONNREFUSED) || !strings.Contains(err.Error(), "127.0.0.3") {
		t.Errorf("none answers: %v, want what the first has said", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = dialAny(ctx, "tcp", addrs("127.0.0.1"), port); err == nil {
		t.Error("it connects although its time is over")
	}
}

// resolver is a fake: real ones cannot be made to fail when a test wants it.
type resolver struct {
	mu    sync.Mutex
	addrs []netip.Addr
	err   error
	dead  bool // never answers
	asked atomic.Int32
}

func (r *resolver) lookup(ctx context.Context, _ string) ([]netip.Addr, error) {
	r.asked.Add(1)
	r.mu.Lock()
	addrs, err, dead := r.addrs, r.err, r.dead
	r.mu.Unlock()
	if dead {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return addrs, err
}

func (r *resolver) becomes(dead bool, err error, a ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dead, r.err, r.addrs = dead, err, addrs(a...)
}

func TestTargetsFollowTheirName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &resolver{addrs: addrs("192.0.2.1")}
		book := targets{lookup: r.lookup}
		expect := func(want string) {
			t.Helper()
			got, err := book.addrs(t.Context(), "host.example")
			if err != nil || len(got) != 1 || got[0].String() != want {
				t.Errorf("%v, %v; want %s", got, err, want)
			}
		}
		expect("192.0.2.1")
		r.becomes(false, nil, "::ffff:192.0.2.2")
		expect("192.0.2.1")
		if n := r.asked.Load(); n != 1 {
			t.Errorf("asked %d times within the time to live", n)
		}
		time.Sleep(targetTTL) // the bubble's clock
		expect("192.0.2.2")

		// A resolver that fails, or never answers, leaves what was known.
		r.becomes(false, errors.New("broken"))
		time.Sleep(targetTTL)
		expect("192.0.2.2")
		r.becomes(true, nil)
		time.Sleep(failureTTL)
		began := time.Now()
		expect("192.0.2.2")
		if time.Since(began) > 0 {
			t.Error("a resolver known to fail is waited for although an address is known")
		}
		time.Sleep(targetPatience + failureTTL)
		r.becomes(false, nil, "192.0.2.3")
		expect("192.0.2.2") // while it is asked
		synctest.Wait()
		expect("192.0.2.3")

		// What cannot be reached is looked up before its time.
		r.becomes(false, nil, "192.0.2.4")
		book.doubt("host.example")
		expect("192.0.2.4")
	})
}

// A resolver that never answers costs each client its own patience, and one lookup in all.
func TestTargetsBoundTheResolver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &resolver{dead: true}
		book := targets{lookup: r.lookup}
		var clients sync.WaitGroup
		for range 1000 {
			clients.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if got, err := book.addrs(ctx, "host.example"); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%v, %v", got, err)
				}
			})
		}
		clients.Wait()
		time.Sleep(targetPatience)
		if n := r.asked.Load(); n != 1 {
			t.Errorf("asked %d times", n)
		}
		if _, err := book.addrs(t.Context(), "host.example"); err == nil {
			t.Error("a name without an address has one")
		}
	})
	var full targets
	for range 3 * targetsLimit {
		full.mu.Lock()
		full.entryLocked(time.Now().String())
		full.mu.Unlock()
	}
	if len(full.book) > targetsLimit {
		t.Errorf("%d names are kept", len(full.book))
	}
}
