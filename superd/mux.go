package superd

import (
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"superd/services"
	"superd/superd/config"
	"superd/superd/socket"
)

// muxed are the services that the builtin tcpmux may hand a client to, by name in lower case. Only those marked for it are
// among them (CVE-2012-0862).
type muxed map[string]*service

// muxBuiltin is the builtin whose answers only the supervisor can give.
const muxBuiltin = "tcpmux"

// muxHelp is the name that asks for all names (RFC 1078). No service can have it.
const muxHelp = "help"

func (s *supervisor) muxed(c *config.Config) *muxed {
	m := muxed{}
	for _, configured := range c.Services {
		if configured.Mux != config.NoMux {
			m[strings.ToLower(configured.Name)] = s.services[configured.ID]
		}
	}
	return &m
}

// mux serves one client of the builtin tcpmux: it reads which service is wanted, and hands the client over. The service
// has its own limits, access, user and log; tcpmux's own are over by then.
func (c *conn) mux(client *socket.Conn) {
	began := time.Now()
	c.logStart(0)
	defer func() { c.logBuiltinExit(time.Since(began), client.Traffic()) }()
	name, err := services.MuxName(client)
	switch {
	case err != nil:
		_ = services.MuxFailed(client, err) // the client's loss; the exit is logged
	case strings.EqualFold(name, muxHelp):
		_ = services.MuxHelp(client, c.host.muxNames())
	case !c.handOver(client, name):
		_ = services.MuxAnswer(client, services.MuxUnknown)
	}
}

// handOver makes the client one of the named service; false if there is none of that name.
func (c *conn) handOver(client *socket.Conn, name string) bool {
	target := (*c.host.muxed.Load())[strings.ToLower(name)]
	if target == nil {
		return false
	}
	set := target.tryHold()
	if set == nil {
		return false
	}
	l := &listener{host: c.host, svc: target, sock: c.sock, mode: set.mode(), stop: c.stop, set: set}
	defer func() { l.set.drop() }()
	fd, err := client.Release()
	if err != nil {
		return true // the client has gone with its connection
	}
	if l.mode == acceptBuiltin {
		_ = unix.SetNonblock(fd, true) // for Go's poller
	}
	n := l.newConn(fd, c.peer)
	n.local, n.by = c.local, n.set.Mux
	n.enter()
	return true
}

// muxNames are the names of the services that clients of tcpmux may ask for, as their configuration writes them.
func (h *host) muxNames() []string {
	var names []string
	for _, svc := range *h.muxed.Load() {
		names = append(names, svc.current.Load().Name)
	}
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	return names
}

// greet tells a client that came by tcpmux that the service begins. A plain TCPMUX service says so itself.
func (c *conn) greet() {
	if c.by == config.MuxPlus {
		socket.SendNow(c.fd, []byte(services.MuxGo))
		c.by = config.NoMux // nothing but the service's own bytes may follow
	}
}
