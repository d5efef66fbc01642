package superd

import (
	"sync/atomic"
	"time"

	"superd/superd/config"
	"superd/superd/event"
	"superd/superd/socket"
	"superd/superd/spawn"
)

// traffic learns from the kernel what the connections of programs carry, while a log or metrics wants to know; a builtin
// counts for itself. It costs each of those connections a system call. The zero value watches nothing.
type traffic struct {
	ends atomic.Pointer[socket.Ends] // nil: nobody wants to know, or can
	all  atomic.Bool                 // of every service, and not only of those that log TRAFFIC

	refused bool         // the kernel does not tell us, which was said; the supervisor's own
	missing atomic.Int64 // when it was last said that some are missing, in nanoseconds
}

// wantTraffic makes the daemon know what c asks for.
func (h *host) wantTraffic(c *config.Config) {
	t := &h.traffic
	all, some := false, false
	for _, s := range c.Services {
		all = all || s.Builtin == metricsBuiltin
		some = some || logsTraffic(s)
	}
	t.all.Store(all)
	switch ends := t.ends.Load(); {
	case !all && !some && ends != nil:
		t.ends.Store(nil)
		go ends.Close()
	case (all || some) && ends == nil && !t.refused:
		ends, err := watchEnds(h.missed)
		if err != nil {
			t.refused = true
			h.say(event.Warn("", "the kernel does not tell what the connections of programs carry, so their EXITs are without bytes: "+err.Error()))
			return
		}
		t.ends.Store(ends)
	}
}

var watchEnds = socket.WatchEnds // a test forbids it

// metricsBuiltin is the service that wants to know of all connections what they carry.
const metricsBuiltin = "metrics"

// logsTraffic reports whether the log of s wants what the kernel knows: of the connections that a program gets.
func logsTraffic(s *config.Service) bool {
	return s.Log.OnSuccess&config.LogTraffic != 0 && (&settings{Service: s}).mode() == acceptProgram
}

// missed is called when the kernel had more to tell than was read.
func (h *host) missed() {
	h.sayMissing("the kernel had more to tell of connections that ended than could be read at once, so some EXITs are without bytes")
}

const sayMissingEvery = time.Minute

func (h *host) sayMissing(why string) {
	now, last := time.Now().UnixNano(), h.traffic.missing.Load()
	if now-last >= int64(sayMissingEvery) && h.traffic.missing.CompareAndSwap(last, now) {
		h.say(event.Warn("", why))
	}
}

// watch is called before c's program gets its connection; nil if nobody wants to know, or can.
func (t *traffic) watch(c *conn) *socket.Ending {
	ends := t.ends.Load()
	if ends == nil || !t.all.Load() && c.set.Log.OnSuccess&config.LogTraffic == 0 {
		return nil
	}
	x, err := ends.Watch(c.fd, c.local, c.peer)
	if err != nil {
		if err != socket.ErrClosed { // by a reload, just now
			c.host.sayMissing("some EXITs will be without bytes: " + err.Error())
		}
		return nil
	}
	return x
}

// close is for the end of the daemon, when no program runs any more. It waits for a moment, so that the last EXITs are whole.
func (t *traffic) close() {
	if ends := t.ends.Swap(nil); ends != nil {
		ends.Close()
	}
}

// finishKnowing gives the slot back at once, and logs the EXIT when it is known what the connection has carried, which may
// be after the program's end. If the client is still reading what the program has left it, EXIT has what there is so far,
// and the tally gets the rest when it is over.
func (c *conn) finishKnowing(e spawn.Exit) {
	c.svc.gate.Release(c.slot)
	var last *socket.Traffic
	logged := false
	c.ending.When(func(t *socket.Traffic, final bool) {
		if t != nil {
			last = t
		}
		if !logged {
			logged = true
			c.logExit(e, last)
			c.set.drop()
		}
		if final && last != nil {
			c.svc.tally().carried(*last)
		}
	})
}
