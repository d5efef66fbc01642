package superd

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"superd/superd/config"
	"superd/superd/event"
	"superd/superd/socket"
)

// supervisor makes the running services equal the config. It belongs to one goroutine (run.go): nothing here is
// locked, and nothing outside changes it.
type supervisor struct {
	host    *host
	hub     *event.Hub
	running *config.Config // nil before the first apply

	services map[string]*service
	sockets  map[config.Endpoint]*listener // every open socket, by what serves it
	draining []*listener                   // retired, with sockets that may still be open
	missing  map[config.Endpoint]*unopened // configured, but could not be opened yet

	inherited inheritance
	retired   []*service // gone from the files, but perhaps not all of their connections
}

// unopened is an endpoint that is tried again, later and later.
type unopened struct {
	pace backoff
	due  time.Time
	err  error // of the last try
}

const (
	firstRetry   = time.Second
	longestRetry = time.Minute
)

func newSupervisor(h *host, hub *event.Hub) supervisor {
	return supervisor{
		host: h, hub: hub,
		services: map[string]*service{},
		sockets:  map[config.Endpoint]*listener{},
		missing:  map[config.Endpoint]*unopened{},
	}
}

// apply makes next the running config: it acquires everything new, and only then swaps and retires. If anything cannot
// be acquired, it gives all of it back, changes nothing and returns why. An endpoint that was missing before may stay so.
// At the first apply, sockets that cannot be opened are noted as missing instead.
func (s *supervisor) apply(next *config.Config) (plan, error) {
	p := diff(s.running, next)
	opened, missing, err := s.acquire(next, s.retiring(&p))
	if err != nil {
		return p, err
	}
	wanted, err := s.prepare(next)
	if err != nil {
		closeAll(opened)
		return p, err
	}
	s.host.store.keep(slices.Collect(maps.Values(opened))...)
	s.host.answering.Store(dgramBuiltinPorts(next))
	s.host.wrapWith(next.Daemon.HostsAccess)
	s.host.bans.keepIn(stateDir(next.Daemon.State))
	gone := s.swap(wanted, &p)
	s.host.muxed.Store(s.muxed(next))
	s.retired = append(s.stillRunning(), gone...)
	retired := s.rewire(next, &p, opened)
	s.draining = append(s.draining, retired...)
	go bury(gone, retired)
	s.sayBound(next, opened)
	s.missing = missing
	s.running = next
	s.host.wantTraffic(next)
	s.publish()
	return p, nil
}

// acquire opens the endpoints of next that are not open. missing are those that may wait; when others fail, none stays open.
func (s *supervisor) acquire(next *config.Config, retiring []*socket.Socket) (opened map[config.Endpoint]*socket.Socket, missing map[config.Endpoint]*unopened, err error) {
	opened, missing = map[config.Endpoint]*socket.Socket{}, map[config.Endpoint]*unopened{}
	var failures []error
	for _, service := range next.Services {
		set := &settings{Service: service}
		for _, e := range service.Endpoints {
			if s.sockets[e] != nil {
				continue
			}
			sock, err := s.open(e, set, set.sharing(retiring))
			switch {
			case err == nil:
				opened[e] = sock
			case s.running == nil:
				missing[e] = s.postpone(service.ID, e, nil, err)
			case s.missing[e] != nil:
				missing[e] = s.missing[e]
			default:
				failures = append(failures, fmt.Errorf("service %s: %w", service.ID, err))
			}
		}
	}
	if len(failures) > 0 {
		closeAll(opened)
		return nil, nil, oneLine(failures)
	}
	return opened, missing, nil
}

func dgramBuiltinPorts(c *config.Config) *map[uint16]bool {
	ports := map[uint16]bool{}
	for _, service := range c.Services {
		if service.SocketType != config.Dgram || service.Builtin == "" {
			continue
		}
		for _, e := range service.Endpoints {
			ports[e.Addr.Port()] = true
		}
	}
	return &ports
}

// retiring are the sockets that are no longer wanted, those of this plan and those of an earlier one that still
// drain: new ones may overlap their addresses.
func (s *supervisor) retiring(p *plan) []*socket.Socket {
	var unused []*socket.Socket
	for _, e := range p.release {
		if l := s.sockets[e]; l != nil {
			unused = append(unused, l.sock)
		}
	}
	s.draining = slices.DeleteFunc(s.draining, (*listener).over)
	for _, l := range s.draining {
		unused = append(unused, l.sock)
	}
	return unused
}

// prepare opens the sinks of the services of next that are not, to the letter, those that run. At the first apply, a sink that
// cannot be opened is replaced by the daemon's own, since running services are worth more than their log.
func (s *supervisor) prepare(next *config.Config) (map[string]*settings, error) {
	wanted := make(map[string]*settings)
	for _, service := range next.Services {
		if svc := s.services[service.ID]; svc != nil && svc.current.Load().Service == service {
			continue
		}
		sink, err := s.hub.Open(service.Log.Target)
		if err != nil && s.running == nil {
			s.host.say(event.Warn(service.ID, err.Error()))
			sink, err = s.hub.Open(next.Daemon.Log.Target)
		}
		if err != nil {
			for _, set := range wanted {
				set.drop()
			}
			return nil, fmt.Errorf("service %s: %w", service.ID, err)
		}
		wanted[service.ID] = newSettings(service, sink)
	}
	return wanted, nil
}

// swap puts the wanted settings into force for new connections, makes the services that are new, and returns those that are gone.
func (s *supervisor) swap(wanted map[string]*settings, p *plan) (gone []*service) {
	for id, set := range wanted {
		if svc := s.services[id]; svc == nil {
			s.services[id] = newService(set)
		} else {
			svc.retune(set)
		}
	}
	for _, retired := range p.retire {
		gone = append(gone, s.services[retired.ID])
		delete(s.services, retired.ID)
	}
	return gone
}

// stillRunning are the retired services that have connections.
func (s *supervisor) stillRunning() []*service {
	s.retired = slices.DeleteFunc(s.retired, func(svc *service) bool { return svc.gate.Counts().Running == 0 })
	return s.retired
}

// rewire gives every socket to the service that has its endpoint now. Listeners whose service and mode stay go on
// undisturbed; the others hand their socket over, or retire with it and are returned.
func (s *supervisor) rewire(next *config.Config, p *plan, opened map[config.Endpoint]*socket.Socket) (retired []*listener) {
	for _, e := range p.release {
		if l := s.sockets[e]; l != nil {
			l.halt(true)
			delete(s.sockets, e)
			retired = append(retired, l)
		}
	}
	for _, r := range p.retune {
		s.handOver(r.service)
	}
	for _, service := range p.open {
		s.handOver(service)
	}
	for _, service := range next.Services {
		for _, e := range service.Endpoints {
			if sock := opened[e]; sock != nil {
				s.sockets[e] = s.host.listen(s.services[service.ID], sock, nil)
			}
		}
	}
	return retired
}

// handOver makes the sockets that are open for a service, or for another one until now, its own.
func (s *supervisor) handOver(service *config.Service) {
	svc := s.services[service.ID]
	set := svc.current.Load()
	for _, e := range service.Endpoints {
		l := s.sockets[e]
		if l == nil {
			continue
		}
		s.retuneSocket(l.sock, set)
		if l.svc != svc || l.mode != set.mode() || l.sift != (set.Socket.Peers != nil) {
			l.halt(false)
			<-l.done
			s.sockets[e] = s.host.listen(svc, l.sock, l.busy)
		}
	}
}

// bury lets go of the settings of services that are gone, once their last listener has drained its socket.
func bury(gone []*service, retired []*listener) {
	for _, l := range retired {
		<-l.done
	}
	for _, svc := range gone {
		svc.current.Load().drop()
	}
}

func (s *supervisor) retuneSocket(sock *socket.Socket, set *settings) {
	if err := sock.Retune(set.Socket); err != nil {
		s.host.say(event.Warn(set.ID, err.Error()))
	}
}

// postpone notes, and says, that an endpoint cannot be opened, and when it is tried again.
func (s *supervisor) postpone(service string, e config.Endpoint, u *unopened, err error) *unopened {
	if u == nil {
		u = &unopened{pace: backoff{first: firstRetry, limit: longestRetry}}
	}
	wait := u.pace.next()
	u.due, u.err = time.Now().Add(wait), err
	s.host.say(event.BindFailed(service, e.String(), err, wait))
	return u
}

// nextRetry is when the first missing endpoint is due; zero if none is missing.
func (s *supervisor) nextRetry() time.Time {
	var first time.Time
	for _, u := range s.missing {
		if first.IsZero() || u.due.Before(first) {
			first = u.due
		}
	}
	return first
}

// missingAreDue makes the next retryMissing try every missing endpoint: whoever reloads may have made room for it.
func (s *supervisor) missingAreDue() {
	for _, u := range s.missing {
		u.due = time.Time{}
	}
}

// sayBound says which of the endpoints just opened had been missing.
func (s *supervisor) sayBound(next *config.Config, opened map[config.Endpoint]*socket.Socket) {
	for _, configured := range next.Services {
		for _, e := range configured.Endpoints {
			if opened[e] != nil && s.missing[e] != nil {
				s.host.say(event.Bound(configured.ID, e.String()))
			}
		}
	}
}

// retryMissing opens the missing endpoints that are due.
func (s *supervisor) retryMissing(now time.Time) {
	defer s.publish()
	for _, configured := range s.running.Services {
		svc := s.services[configured.ID]
		for _, e := range configured.Endpoints {
			u := s.missing[e]
			if u == nil || u.due.After(now) {
				continue
			}
			set := svc.current.Load()
			sock, err := s.open(e, set, set.sharing(nil))
			if err != nil {
				s.postpone(configured.ID, e, u, err)
				continue
			}
			delete(s.missing, e)
			s.host.store.keep(sock)
			s.sockets[e] = s.host.listen(svc, sock, nil)
			s.host.say(event.Bound(configured.ID, e.String()))
		}
	}
}

// stop ends all listening. Connections go on.
func (s *supervisor) stop() {
	listeners := slices.Collect(maps.Values(s.sockets))
	for _, l := range listeners {
		l.halt(false)
	}
	for _, l := range listeners {
		<-l.done
		_ = l.sock.Close()
	}
	clear(s.sockets)
}

// errorLimit bounds how many failures one message names.
const errorLimit = 10

// oneLine joins errors for a log.
func oneLine(failures []error) error {
	first := failures[0]
	for _, err := range failures[1:min(len(failures), errorLimit)] {
		first = fmt.Errorf("%w; %w", first, err)
	}
	if more := len(failures) - errorLimit; more > 0 {
		first = fmt.Errorf("%w; and %d more", first, more)
	}
	return first
}

func closeAll(sockets map[config.Endpoint]*socket.Socket) {
	for _, sock := range sockets {
		_ = sock.Close()
	}
}
