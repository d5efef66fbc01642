package superd

import (
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"superd/services"
	"superd/superd/admit"
	"superd/superd/config"
	"superd/superd/event"
	"superd/superd/ident"
	"superd/superd/socket"
	"superd/superd/spawn"
)

// conn is one accepted connection, or one run of a wait or dgram program, from admission to its end.
type conn struct {
	*listener
	set   *settings // as of accept, to the end
	id    uint64
	fd    int // stream and dgram nowait: ours to close, until it is handed to a builtin
	peer  netip.AddrPort
	local netip.AddrPort
	slot  admit.Slot
	user  ident.Reply // whose it is, if that had to be known first
	by    config.Mux  // it came by tcpmux, and has not been greeted yet

	altered  *config.Program // as hosts.allow wants the program for this connection; nil: as the service has it
	twisted  bool            // it runs in place of a builtin
	context  string          // of SELinux, that its program has (flag LABELED)
	severity event.Severity  // as hosts.allow wants what is logged of it

	inline   bool             // it is on the goroutine that accepted it, and on no other from here on
	began    time.Time        // when its program was asked for
	ending   *socket.Ending   // nil: nobody wants to know, or can, what its program's connection carries
	ended    func(spawn.Exit) // called last when the program has left; nil: nothing
	lifetime deadline
	presence
}

// newConn takes the service's settings into use, and a number; each conn ends in exactly one finish.
func (l *listener) newConn(fd int, peer netip.AddrPort) *conn {
	c := &conn{listener: l, set: l.use(), id: l.host.conns.Add(1), fd: fd, peer: peer}
	if local := l.sock.LocalAddr(); !local.Addr().IsUnspecified() || c.set.Wait {
		c.local = local
	}
	return c
}

// finish gives back the slot, if the connection got one, and the settings.
func (c *conn) finish() {
	c.svc.live.leave(c)
	c.svc.gate.Release(c.slot)
	c.set.drop()
}

// take owns fd from here on.
func (l *listener) take(fd int, peer netip.AddrPort) {
	c := l.newConn(fd, peer)
	c.inline = true
	if len(c.set.Banner) > 0 {
		socket.SendNow(fd, c.set.Banner)
	}
	c.enter()
}

// enter leads to admit, by way of the peer's names if they matter.
func (c *conn) enter() {
	if b, banned := c.banned(); banned {
		c.refuse(admit.Decision{Verdict: admit.Sensor}, b.Sensor)
		return
	}
	if !c.svc.gate.NeedsNames(c.peer.Addr()) {
		c.wrap(nil)
		return
	}
	c.inline = false
	if !c.host.names.resolve(c.peer.Addr(), time.Now(), c.named) {
		c.refuse(admit.Decision{Verdict: admit.Lookup}, "too many lookups under way")
	}
}

// named goes on with the peer's names. Where they cannot be found out, nobody knows whether a rule forbids the peer.
func (c *conn) named(a answer) {
	if a.err != nil {
		c.refuse(admit.Decision{Verdict: admit.Lookup}, a.err.Error())
		return
	}
	c.wrap(a.names)
}

// admit decides about the connection, and serves or refuses it. names are the peer's confirmed host names, if they matter.
func (c *conn) admit(names []string) {
	if c.pass(names) {
		c.serve()
	}
}

// pass asks the gate. If it refuses, or the daemon is ending, the connection is over.
func (c *conn) pass(names []string) bool {
	if c.cutOff() {
		return false
	}
	if d := c.ask(names); d.Verdict != admit.OK {
		c.refuse(d, "")
		return false
	}
	return true
}

// cutOff ends the connection if the daemon is ending: that may have begun while something was looked up about it.
func (c *conn) cutOff() bool {
	if !c.host.ending.Load() {
		return false
	}
	_ = unix.Close(c.fd)
	c.finish()
	return true
}

// serve starts what serves the connection, once it is known whose it is if that is wanted.
func (c *conn) serve() {
	if c.cutOff() {
		return
	}
	if !c.local.IsValid() {
		c.local, _ = socket.Local(c.fd) // fails only if the peer is gone; the program will find out
	}
	if c.set.Sensor != nil {
		c.caught()
		c.refuse(admit.Decision{Verdict: admit.Sensor}, "")
		return
	}
	if c.set.IDOnly && c.user.User == "" {
		c.identify()
		return
	}
	c.greet()
	if len(c.set.BannerSuccess) > 0 {
		socket.SendNow(c.fd, c.set.BannerSuccess)
	}
	if c.twisted && c.mode == acceptBuiltin {
		_ = unix.SetNonblock(c.fd, false)
	} else if c.mode == acceptBuiltin {
		if !c.brief() {
			go c.serveBuiltin()
		}
		return
	}
	if c.inline && c.launch() {
		return
	}
	c.run()
}

// run starts the program on the connection.
func (c *conn) run() {
	c.ending = c.host.traffic.watch(c)
	if err := c.start(c.fd); err != nil {
		c.forget()
		c.refuse(admit.Decision{Verdict: admit.Fork}, err.Error())
		return
	}
	socket.LetGo(c.fd)
}

// forget is for a program that does not run after all: there is nothing to be known of its connection.
func (c *conn) forget() {
	if c.ending != nil {
		c.ending.Forget()
		c.ending = nil
	}
}

// ask asks the gate until it has a verdict. Under the policy queue another loop of the service may have taken the
// last place since ours was told to accept: this connection then waits as it would have in the backlog.
func (c *conn) ask(names []string) admit.Decision {
	peer := admit.Peer{Addr: c.peer.Addr(), Names: names}
	for {
		d := c.svc.gate.Admit(peer, c.host.moment(c.set))
		if d.Verdict == admit.OK || d.Policy != config.Queue || c.stopping() {
			c.slot = d.Slot
			return d
		}
		c.await(d.Wait)
	}
}

// refuse logs the verdict, finishes, and ends the connection as the policy says. Those whose places it lacks are said to have started
// before.
func (c *conn) refuse(d admit.Decision, detail string) {
	c.host.starter.Settle()
	c.logRefuse(d.Verdict, detail)
	if d.Verdict == admit.CPS && c.set.Limits.OnCPS == config.Pause {
		c.sayPause()
	}
	if c.set.Log.OnFailure&config.LogUserID == 0 || !c.logRefusedUser(func() { c.letGo(d.Policy) }) {
		c.letGo(d.Policy)
	}
}

func (c *conn) letGo(p config.Policy) {
	c.dismiss(p)
	c.finish()
}

// dismiss ends the connection as the policy says. The fail banner arrives even if the peer spoke first.
func (c *conn) dismiss(p config.Policy) {
	switch {
	case p == config.Reset:
		socket.Reset(c.fd)
	case c.by != config.NoMux:
		c.host.linger.Refuse(c.fd, []byte(services.MuxBusy))
	case len(c.set.BannerFail)+len(c.set.Banner) > 0:
		c.host.linger.Refuse(c.fd, c.set.BannerFail)
	default:
		socket.LetGo(c.fd)
	}
}

// sayPause says that this connection was one too many, so that the service accepts nobody until the hold is over.
func (c *conn) sayPause() {
	hold := c.set.Limits.CPS.Hold
	c.host.say(event.Pause(c.svc.id, "cps", hold))
	time.AfterFunc(hold, func() { c.host.say(event.Resume(c.svc.id)) })
}

// Forks that fail for want of processes or memory are tried again for about ten seconds, during which the listener
// launches nothing, and waits for what it starts.
const forkRetries = 14

// start runs the service's program on fd, which stays the caller's. When it returns nil, exited will be called.
func (c *conn) start(fd int) error {
	trouble := c.trouble()
	for try := 0; ; try++ {
		c.began = time.Now()
		command, err := c.command(fd)
		if err == nil {
			err = c.host.starter.Start(command)
		}
		if err == nil {
			c.recovered()
			return nil
		}
		if !spawn.Temporary(err) || c.set.NoRetry || try == forkRetries || c.stopping() {
			c.ailing.Store(nil) // it serves again, as well as it can
			return err
		}
		trouble.wait(err)
	}
}

func (c *conn) command(fd int) (*spawn.Command, error) {
	command := &spawn.Command{
		Program: c.programNow(),
		Env:     c.environment(),
		Fd:      fd,
		Started: c.started,
		Exited:  c.exited,
	}
	return command, c.label(command)
}

// environment tells the program about its connection.
func (c *conn) environment() []string {
	env := spawn.ConnEnv(c.svc.id, c.protocol(), c.peer, c.local)
	if c.user.User != "" {
		env = append(env, "TCPREMOTEINFO="+c.user.User)
	}
	return env
}

func (c *conn) protocol() string {
	if c.set.SocketType == config.Dgram {
		return "UDP"
	}
	return "TCP"
}

func (c *conn) started(pid int, at time.Time) {
	c.svc.tally().starts.observe(&startBounds, at.Sub(c.began))
	c.pid, c.since = pid, at
	c.svc.live.join(c)
	c.logStart(pid)
	if c.set.MaxLifetime > 0 {
		c.lifetime.set(c.set.MaxLifetime, c.set.Grace, func(s syscall.Signal) { c.host.starter.Signal(pid, s) })
	}
}

// exited runs on the reaper's goroutine, or on one that has come by.
func (c *conn) exited(e spawn.Exit) {
	c.lifetime.clear()
	c.svc.tally().exited(e)
	if c.ending == nil {
		c.logExit(e, nil)
		c.finish()
	} else {
		c.finishKnowing(e)
	}
	if c.ended != nil {
		c.ended(e)
	}
}

// serveBuiltin owns the connection from here on.
func (c *conn) serveBuiltin() {
	began := time.Now()
	stream, err := socket.NewConn(c.fd, c.peer)
	if err != nil {
		c.logRefuse(admit.Descriptors, err.Error())
		c.finish()
		return
	}
	defer stream.Close()
	defer c.finish() // first, so that who has seen the end of it finds its place free
	if !c.host.open.add(stream) {
		return
	}
	defer c.host.open.remove(stream)
	if c.set.MaxLifetime > 0 {
		timer := time.AfterFunc(c.set.MaxLifetime, func() { _ = stream.Close() })
		defer timer.Stop()
	}
	c.stream, c.since = stream, began
	c.svc.live.join(c)
	switch {
	case c.set.Redirect != nil:
		c.redirect(stream)
		return
	case c.set.Builtin == muxBuiltin:
		c.mux(stream)
		return
	}
	c.logStart(0)
	if page := c.set.builtin.Page; page != nil {
		_ = page(stream, c.host)
	} else {
		_ = c.set.builtin.Stream(stream) // a peer that fails is the peer's business; the exit is logged
	}
	c.logBuiltinExit(time.Since(began), stream.Traffic())
}
