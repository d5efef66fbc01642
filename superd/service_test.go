package superd

import (
	"io"
	"net/netip"
	"testing"

	"superd/superd/config"
	"superd/superd/event"
	"superd/superd/socket"
	"superd/superd/spawn"
)

// A reload gives a service its new settings before it replaces the listeners. Whoever is accepted in between is served
// the way the listener knows: a builtin's listener must not meet a program's settings, which have no builtin.
func TestListenerKeepsItsMode(t *testing.T) {
	hub := event.NewHub(io.Discard)
	newSet := func(c config.Service) *settings {
		c.ID, c.Limits.Instances, c.Limits.PerSource = "s", config.Unlimited, config.Unlimited
		sink, err := hub.Open(c.Log.Target)
		if err != nil {
			t.Fatal(err)
		}
		return newSettings(&c, sink)
	}
	builtin, retuned := newSet(config.Service{Builtin: "echo"}), newSet(config.Service{Builtin: "echo", NoRetry: true})
	program := newSet(config.Service{Program: config.Program{Path: "/bin/true"}})

	svc := newService(builtin)
	sock, err := socket.Open(config.Endpoint{Addr: netip.MustParseAddrPort("127.0.0.1:0")}, config.SocketOptions{}, socket.Sharing{})
	if err != nil {
		t.Fatal(err)
	}
	defer sock.Close()
	sock.Interrupt()
	l := newListener(&host{starter: spawn.New()}, svc, sock, nil)
	for _, step := range []struct{ current, want *settings }{{nil, builtin}, {retuned, retuned}, {program, retuned}} {
		if step.current != nil {
			svc.retune(step.current)
		}
		c := l.newConn(-1, netip.AddrPort{})
		if c.set != step.want {
			t.Errorf("the connection is served under %+v", c.set.Service)
		}
		c.finish()
	}
	l.set.drop()
	for set, users := range map[*settings]int64{builtin: 0, retuned: 0, program: 1} {
		if n := set.users.Load(); n != users {
			t.Errorf("%d users are left of %+v, not %d", n, set.Service, users)
		}
	}
}
