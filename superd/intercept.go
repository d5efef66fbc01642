package superd

import (
	"fmt"
	"sync"
	"time"

	"superd/superd/admit"
	"superd/superd/event"
)

// dropsTime is how often it is logged what the kernel has kept from a socket with the flag INTERCEPT.
const dropsTime = 10 * time.Second

// drops tells from time to time how many packets a listener's socket did not get. Each is one that only_from or no_access
// forbids; who sent it only the kernel knows.
type drops struct {
	*listener
	mu    sync.Mutex
	seen  uint32
	timer *time.Timer
	over  bool
}

// countDrops begins; the caller ends it. A service without the flag costs nothing.
func (l *listener) countDrops() (end func()) {
	if !l.sift {
		return func() {}
	}
	d := &drops{listener: l}
	d.seen, _ = l.sock.Dropped() // 0 then
	d.mu.Lock()
	defer d.mu.Unlock()
	d.timer = time.AfterFunc(dropsTime, d.tick)
	return d.end
}

func (d *drops) tick() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.over {
		return
	}
	d.tell()
	d.timer.Reset(dropsTime)
}

func (d *drops) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.over = true
	d.timer.Stop()
	d.tell()
}

// tell logs the packets since the last time as one REFUSE.
func (d *drops) tell() {
	now, err := d.sock.Dropped()
	n := now - d.seen // round at 2^32
	if err != nil || n == 0 {
		return
	}
	set := d.svc.tryHold()
	if set == nil {
		return
	}
	defer set.drop()
	d.seen = now
	d.svc.tally().refused[admit.Address].Add(uint64(n))
	refuse := event.Refuse{
		Service: d.svc.id, ConnID: d.host.conns.Add(1), Local: d.sock.LocalAddr(), Verdict: admit.Address.String(),
		Detail: fmt.Sprintf("the kernel has kept out %d packets", n),
	}
	set.sink.Refuse(set.Log.OnFailure, refuse)
	d.host.feed.Refuse(refuse)
}
