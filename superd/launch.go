package superd

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"superd/superd/admit"
	"superd/superd/socket"
	"superd/superd/spawn"
)

// A start mostly waits for the child's exec. The listener's goroutine does not: it launches the program and goes on accepting.

// mostLaunches is how many programs a listener has under way: some wait for a processor, some for a disk. Beyond them it waits
// for the program that it starts.
const mostLaunches = 8

// aloft counts the launches of a listener that are under way.
type aloft struct {
	n   atomic.Int32
	all sync.WaitGroup
}

func (a *aloft) begin() {
	a.n.Add(1)
	a.all.Add(1)
}

func (a *aloft) end() {
	a.n.Add(-1)
	a.all.Done()
}

// arrival is the next connection, as socket.Accept returns it. Where one has come upon the other, the next will be there
// soon, and waiting for a launch is cheaper than the poller.
func (l *listener) arrival() (fd int, peer netip.AddrPort, err error) {
	nonblock := l.mode == acceptBuiltin
	for n := l.aloft.n.Load(); n > 1 || n == 1 && l.rushed; n = l.aloft.n.Load() {
		if fd, peer, err = l.sock.AcceptNow(nonblock); err != socket.ErrEmpty {
			l.rushed = true
			return fd, peer, err
		}
		if !l.host.starter.SettleOne(l) {
			break
		}
	}
	l.rushed = false
	l.leave()
	return l.sock.Accept(nonblock)
}

// leave is for a listener that will not look after its launches soon: others do.
func (l *listener) leave() {
	if l.aloft.n.Load() > 0 {
		l.host.starter.Leave(l)
	}
}

// launch starts the program on the connection, which stays under way. It reports false if it is to be started by run.
func (c *conn) launch() bool {
	if c.saidIll.Load() != well || c.aloft.n.Load() >= mostLaunches {
		return false
	}
	c.began = time.Now()
	command, err := c.command(c.fd)
	if err != nil {
		return false
	}
	command.Owner, command.Started, command.Failed = c.listener, c.launched, c.grounded
	c.ending = c.host.traffic.watch(c)
	c.aloft.begin()
	if c.host.starter.Launch(command) != nil {
		c.aloft.end()
		c.forget()
		return false
	}
	return true
}

func (c *conn) launched(pid int, at time.Time) {
	c.started(pid, at)
	socket.LetGo(c.fd)
	c.aloft.end()
}

// grounded is for a program that did not start. If it may well start a little later, it is tried again as long as run does.
func (c *conn) grounded(err error) {
	c.forget()
	if spawn.Temporary(err) && !c.set.NoRetry {
		go func() {
			defer c.aloft.end()
			c.run()
		}()
		return
	}
	c.refuse(admit.Decision{Verdict: admit.Fork}, err.Error())
	c.aloft.end()
}
