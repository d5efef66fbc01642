package superd

import (
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"superd/superd/admit"
	"superd/superd/socket"
	"superd/superd/spawn"
)

// A start mostly waits for the child's exec. Under load the listener's goroutine goes on accepting meanwhile, and looks after its
// launches in between, which costs neither a goroutine nor a wake-up. When nobody is there to be accepted, it waits for
// them: it has none under way whenever it waits for something else.

// mostLaunches is how many programs a listener has under way: some wait for a processor, some for a disk.
const mostLaunches = 8

// launch is a connection whose program is under way.
type launch struct {
	*conn
	start *spawn.Launch
}

// arrival is the next connection, as socket.Accept returns it.
func (l *listener) arrival() (fd int, peer netip.AddrPort, err error) {
	if fd, peer, err = l.ahead(); err == socket.ErrEmpty {
		return l.sock.Accept(l.mode == acceptBuiltin)
	}
	return fd, peer, err
}

// ahead accepts while there are launches under way; with none left it is ErrEmpty.
func (l *listener) ahead() (fd int, peer netip.AddrPort, err error) {
	for {
		l.settleOver()
		switch len(l.launches) {
		case 0:
			return -1, peer, socket.ErrEmpty
		case mostLaunches:
		default:
			if fd, peer, err = l.sock.AcceptNow(l.mode == acceptBuiltin); err != socket.ErrEmpty {
				return fd, peer, err
			}
		}
		l.settleAt(0)
	}
}

// launch starts the program on the connection, which stays under way. It reports false if it is to be started by run.
func (c *conn) launch() bool {
	if c.ailing.Load() != nil {
		return false
	}
	c.began = time.Now()
	command, err := c.command(c.fd)
	if err != nil {
		return false
	}
	c.ending = c.host.traffic.watch(c)
	start, err := c.host.starter.Launch(command)
	if err != nil {
		c.forget()
		return false
	}
	c.listener.launches = append(c.listener.launches, launch{c, start})
	return true
}

// settle waits for the program. If it may well start a little later, it is tried again as long as run would.
func (x launch) settle() {
	err := x.start.Wait()
	if err == nil {
		_ = unix.Close(x.fd)
		return
	}
	x.forget()
	if spawn.Temporary(err) && !x.set.NoRetry {
		x.listener.settle()
		x.run()
		return
	}
	x.refuse(admit.Decision{Verdict: admit.Fork}, err.Error())
}

// settle waits for all launches.
func (l *listener) settle() {
	for len(l.launches) > 0 {
		l.settleAt(0)
	}
}

// settleOver settles the launches that need not be waited for.
func (l *listener) settleOver() {
	for i := 0; i < len(l.launches); {
		if l.launches[i].start.Over() {
			l.settleAt(i)
		} else {
			i++
		}
	}
}

func (l *listener) settleAt(i int) {
	x := l.launches[i]
	l.launches = slices.Delete(l.launches, i, i+1)
	x.settle()
}
