package superd

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"superd/superd/config"
	"superd/superd/event"
	"superd/superd/rpcbind"
)

// registration is what rpcbind should know of one socket of a service of type RPC.
type registration struct {
	service string
	rpc     config.RPC
	netid   string
	addr    netip.AddrPort
}

// String is "100002 versions 2-3 udp 0.0.0.0:832".
func (r registration) String() string {
	versions := fmt.Sprintf("version %d", r.rpc.Low)
	if r.rpc.High > r.rpc.Low {
		versions = fmt.Sprintf("versions %d-%d", r.rpc.Low, r.rpc.High)
	}
	return fmt.Sprintf("%d %s %s %s", r.rpc.Program, versions, r.netid, r.addr)
}

// mappings are what rpcbind keeps of it, one for each version.
func (r registration) mappings() []rpcbind.Mapping {
	var all []rpcbind.Mapping
	for v := uint64(r.rpc.Low); v <= uint64(r.rpc.High); v++ {
		all = append(all, rpcbind.Mapping{Program: r.rpc.Program, Version: uint32(v), Netid: r.netid, Addr: r.addr})
	}
	return all
}

// registrations are those of all sockets that are open. One that takes IPv4 as well is registered for both.
func (s *supervisor) registrations() []registration {
	var all []registration
	for _, service := range s.running.Services {
		if service.RPC == nil {
			continue
		}
		for _, e := range service.Endpoints {
			l := s.sockets[e]
			if l == nil {
				continue
			}
			at := l.sock.LocalAddr()
			add := func(family string, addr netip.Addr) {
				netid := map[config.SocketType]string{config.Stream: "tcp", config.Dgram: "udp"}[e.SocketType] + family
				all = append(all, registration{service.ID, *service.RPC, netid, netip.AddrPortFrom(addr, at.Port())})
			}
			switch addr := at.Addr(); {
			case addr.Is4():
				add("", addr)
			case addr.IsUnspecified() && !e.V6Only:
				add("", netip.IPv4Unspecified())
				fallthrough
			default:
				add("6", addr)
			}
		}
	}
	return all
}

// The pace of the registrar. rpcbind forgets everything when it is restarted, so it is told again from time to time.
const (
	retellTime   = time.Minute
	withdrawTime = 2 * time.Second
)

// registrar keeps rpcbind informed, on a goroutine of its own which begins with the first service of type RPC. A rpcbind
// that is not there yet, or does not answer, is tried again, later and later. The zero value needs say before its first use.
type registrar struct {
	client rpcbind.Client
	say    func(event.Event)

	mu     sync.Mutex
	wanted []registration
	wake   chan struct{} // nil: not begun
	life   context.Context
	quit   context.CancelFunc // ends life, and what is being told
	ended  chan struct{}

	// The goroutine's own.
	known    map[registration]bool // what rpcbind has been told
	disputed map[registration]bool // what it has another address for, which has been said
	pace     backoff
}

// want makes all what rpcbind should know of superd, and has it told now, even what it should know already.
func (r *registrar) want(all []registration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.wake == nil && len(all) == 0 {
		return
	}
	r.wanted = all
	if r.wake == nil {
		r.wake, r.ended = make(chan struct{}, 1), make(chan struct{})
		r.life, r.quit = context.WithCancel(context.Background())
		r.known, r.disputed = map[registration]bool{}, map[registration]bool{}
		r.pace = backoff{first: firstRetry, limit: longestRetry}
		go r.run()
	}
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// withdraw takes everything back and ends the registrar; it returns when that is done, or rpcbind has had its time.
func (r *registrar) withdraw() {
	r.mu.Lock()
	begun := r.wake != nil
	r.mu.Unlock()
	if begun {
		r.quit()
		<-r.ended
	}
}

func (r *registrar) run() {
	defer close(r.ended)
	due := time.NewTimer(retellTime)
	for {
		select {
		case <-due.C:
		case <-r.wake:
		case <-r.life.Done():
			r.settle(context.Background(), nil, withdrawTime)
			return
		}
		r.mu.Lock()
		wanted := r.wanted
		r.mu.Unlock()
		due.Reset(r.settle(r.life, wanted, rpcbind.Patience))
	}
}

// settle tells rpcbind what has changed, and the rest anew, and returns when that is due again.
func (r *registrar) settle(life context.Context, wanted []registration, patience time.Duration) time.Duration {
	if len(wanted)+len(r.known) == 0 {
		return retellTime
	}
	ctx, cancel := context.WithTimeout(life, patience)
	defer cancel()
	err := r.tell(ctx, wanted)
	if err == nil {
		r.pace.reset()
		return retellTime
	}
	first := r.pace.wait == 0
	wait := r.pace.next()
	if first && life.Err() == nil {
		r.say(event.RegisterFailed("", "", err, wait))
	}
	return wait
}

// tell withdraws first: a port may go from one service to another.
func (r *registrar) tell(ctx context.Context, wanted []registration) error {
	session, err := r.client.Open(ctx)
	if err != nil {
		return err
	}
	defer session.Close()
	for old := range r.known {
		if slices.Contains(wanted, old) {
			continue
		}
		for _, m := range old.mappings() {
			if _, err := session.Unset(m); err != nil {
				return err
			}
		}
		delete(r.known, old)
		r.say(event.Withdrawn(old.service, old.String()))
	}
	for old := range r.disputed {
		if !slices.Contains(wanted, old) {
			delete(r.disputed, old)
		}
	}
	for _, one := range wanted {
		if err := r.register(session, one); err != nil {
			return err
		}
	}
	return nil
}

// register tells rpcbind one registration. What stands in its place the first time is left over, from a daemon that was
// killed, and is replaced; later it is somebody else's, who is not fought.
func (r *registrar) register(session *rpcbind.Session, one registration) error {
	fresh, taken := !r.known[one] && !r.disputed[one], false
	for _, m := range one.mappings() {
		if !session.Knows(m) {
			continue
		}
		ok, err := session.Set(m)
		if err == nil && !ok && fresh {
			if _, err = session.Unset(m); err == nil {
				ok, err = session.Set(m)
			}
		}
		if err != nil {
			return err
		}
		taken = taken || !ok
	}
	switch {
	case taken && !r.disputed[one]:
		r.disputed[one] = true
		r.say(event.RegisterFailed(one.service, one.String(), errTaken, 0))
	case !taken && (r.disputed[one] || !r.known[one]):
		r.say(event.Registered(one.service, one.String()))
	}
	if !taken {
		delete(r.disputed, one)
	}
	r.known[one] = true
	return nil
}

var errTaken = errors.New("rpcbind has another address for it, which it does not give up")
