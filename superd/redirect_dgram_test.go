package superd

import (
	"net/netip"
	"testing"
	"time"

	"superd/superd/socket"
)

// A target whose name is never found out costs a few datagrams of each peer, and the table does not grow beyond its limit.
func TestFlowsAreBounded(t *testing.T) {
	f := &flow{born: time.Now()}
	for range 100 * flowQueue {
		f.send(make([]byte, 1000))
	}
	if len(f.queue) != flowQueue || f.in.Load() != 0 {
		t.Errorf("%d datagrams wait, %d bytes were sent", len(f.queue), f.in.Load())
	}
	f.ended = true
	if f.reached(nil) || f.queue != nil {
		t.Error("a flow that has ended goes on")
	}
	table := flowTable{flows: map[sessionKey]*flow{}}
	peer := netip.MustParseAddr("192.0.0.0")
	n := 0
	for range 2 * flowLimit {
		peer = peer.Next()
		key := sessionKey{netip.AddrPortFrom(peer, 1), socket.Destination{}}
		if found, full := table.get(key); found == nil && !full {
			table.put(key, &flow{})
			n++
		}
	}
	if n != flowLimit || len(table.flows) != n {
		t.Errorf("%d flows", n)
	}
	table.endAll()
	for k, f := range table.flows {
		if !f.ended {
			t.Fatal("not ended")
		}
		table.forget(k)
	}
}
