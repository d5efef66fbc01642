package superd

import (
	"syscall"
	"time"

	"superd/superd/admit"
	"superd/superd/config"
	"superd/superd/event"
	"superd/superd/socket"
	"superd/superd/spawn"
)

// What a connection adds to its service's tally and log. The flags of log_on_success and log_on_failure are applied by the sink.

func (c *conn) subject(pid int) event.Start {
	return event.Start{Service: c.svc.id, ConnID: c.id, Pid: pid, Peer: c.peer, Local: c.local, Context: c.context, Severity: c.severity}
}

func (c *conn) logStart(pid int) {
	c.svc.tally().accepted.Add(1)
	c.host.bustle.stir()
	start := c.subject(pid)
	c.set.sink.Start(c.set.Log.OnSuccess, start)
	c.svc.last.note("START", admit.OK, c.peer, 0, 0)
	c.host.feed.Start(start)
	c.logUser()
}

// logExit logs the end of a program. t is nil where nobody knows what its connection has carried.
func (c *conn) logExit(e spawn.Exit, t *socket.Traffic) {
	c.host.bustle.stir()
	c.logEnd(event.Exit{
		Start: c.subject(e.Pid), Code: e.Code, Signal: int(e.Signal), Duration: e.Ended.Sub(e.Started),
		Traffic: (*event.Traffic)(t), User: e.User, System: e.System, MaxRSS: e.MaxRSS,
	})
}

// logBuiltinExit is for a connection that had no process.
func (c *conn) logBuiltinExit(ran time.Duration, t socket.Traffic) {
	c.svc.tally().durations.observe(&durationBounds, ran)
	c.host.bustle.stir()
	c.svc.tally().carried(t)
	c.logEnd(event.Exit{Start: c.subject(0), Duration: ran, Traffic: (*event.Traffic)(&t)})
}

func (c *conn) logEnd(e event.Exit) {
	c.set.sink.Exit(c.set.Log.OnSuccess, e)
	c.svc.last.note("EXIT", admit.OK, c.peer, e.Code, syscall.Signal(e.Signal))
	c.host.feed.Exit(e)
}

func (c *conn) logRefuse(v admit.Verdict, detail string) {
	c.svc.tally().refused[v].Add(1)
	c.host.bustle.stir()
	if c.set.SocketType == config.Dgram && !c.svc.refusals.first(refusal{c.peer.Addr(), v}, time.Now()) {
		return
	}
	refuse := event.Refuse{
		Service: c.svc.id, ConnID: c.id, Peer: c.peer, Local: c.local, Verdict: v.String(), Detail: detail, Severity: c.severity,
	}
	c.set.sink.Refuse(c.set.Log.OnFailure, refuse)
	c.svc.last.note("REFUSE", v, c.peer, 0, 0)
	c.host.feed.Refuse(refuse)
}
