package superd

import (
	"context"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"superd/superd/ident"
)

// Ident servers that never answer cost identLimit goroutines for identTime, and nothing more.
func TestIdentsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := idents{ask: func(ctx context.Context, _, _ netip.AddrPort) (ident.Reply, error) {
			<-ctx.Done()
			return ident.Reply{}, ctx.Err()
		}}
		h := &host{ended: make(chan struct{})}
		var mu sync.Mutex
		answers, asked := 0, 0
		began := time.Now()
		for range 10 * identLimit {
			if i.resolve(h, netip.AddrPort{}, netip.AddrPort{}, func(_ ident.Reply, err error) {
				mu.Lock()
				defer mu.Unlock()
				if answers++; err == nil {
					t.Error("an answer that nobody gave")
				}
			}) {
				asked++
			}
		}
		time.Sleep(identTime) // the bubble's clock
		synctest.Wait()
		if asked != identLimit || answers != asked || i.asking.Load() != 0 {
			t.Errorf("%d asked, %d answered, %d under way after %v", asked, answers, i.asking.Load(), time.Since(began))
		}

		// The end of the daemon does not wait for them.
		if !i.resolve(h, netip.AddrPort{}, netip.AddrPort{}, func(ident.Reply, error) { answers++ }) {
			t.Fatal("there is no room although all is over")
		}
		before := time.Now()
		close(h.ended)
		synctest.Wait()
		if answers != identLimit+1 || time.Since(before) > 0 {
			t.Error("the end of the daemon waits for an ident server")
		}
	})
}
