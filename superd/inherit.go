package superd

import (
	"fmt"

	"golang.org/x/sys/unix"

	"superd/superd/config"
	"superd/superd/event"
	"superd/superd/socket"
	"superd/superd/systemd"
)

// inheritance is what was handed in and not been adopted yet, by what it is.
type inheritance map[config.Endpoint]systemd.Descriptor

// inherit takes over the sockets that next wants. The others are closed, each with a warning: nobody would ever answer there.
func (s *supervisor) inherit(handed []systemd.Descriptor, next *config.Config) {
	wanted := map[config.Endpoint]bool{}
	for _, service := range next.Services {
		for _, e := range service.Endpoints {
			wanted[socket.Canonical(e)] = true
		}
	}
	s.inherited = inheritance{}
	for _, d := range handed {
		e, err := socket.Describe(d.FD)
		_, twice := s.inherited[e]
		switch {
		case err != nil:
			s.decline(d, fmt.Sprintf("descriptor %s that was handed in is closed: it is %v", d.Name, err))
		case twice:
			s.decline(d, fmt.Sprintf("socket %s was handed in twice: %s is closed", e, d.Name))
		case !wanted[e]:
			s.decline(d, fmt.Sprintf("socket %s that was handed in as %s is closed: no service wants it", e, d.Name))
		default:
			s.inherited[e] = d
		}
	}
}

func (s *supervisor) decline(d systemd.Descriptor, why string) {
	s.host.say(event.Warn("", why))
	_ = unix.Close(d.FD)
	s.host.store.remove(d.Name)
}

// open adopts the socket if it was handed in, and opens it otherwise.
func (s *supervisor) open(e config.Endpoint, set *settings, sh socket.Sharing) (*socket.Socket, error) {
	key := socket.Canonical(e)
	if d, ok := s.inherited[key]; ok {
		delete(s.inherited, key)
		sock, err := socket.Adopt(d.FD, e, set.Socket)
		if err == nil {
			s.host.store.adopted(sock, d.Name)
			return sock, nil
		}
		s.host.say(event.Warn(set.ID, err.Error()))
		s.host.store.remove(d.Name)
	}
	s.host.store.settle()
	return socket.Open(e, set.Socket, sh)
}
