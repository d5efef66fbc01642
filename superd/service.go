package superd

import (
	"sync/atomic"

	"superd/services"
	"superd/superd/admit"
	"superd/superd/config"
	"superd/superd/event"
	"superd/superd/socket"
)

// service is a configured service while it runs. It outlives reloads for as long as its ID stays in the files:
// the gate keeps its counts, the listeners their sockets; only current is swapped.
type service struct {
	id      string
	gate    *admit.Gate
	current atomic.Pointer[settings]

	live     live
	last     lastEvent
	refusals quiet                 // of datagrams
	counted  atomic.Pointer[tally] // nil: nobody has come yet; see tally()
}

// settings are what a connection is accepted under, and keeps to its end. Immutable but for the count of their users:
// the service while they are current, and each connection. The last one to leave releases the sink.
type settings struct {
	*config.Service
	sink    *event.Sink
	builtin services.Builtin // zero for a program
	users   atomic.Int64
}

// newSettings takes over one reference to sink.
func newSettings(s *config.Service, sink *event.Sink) *settings {
	builtin, _ := services.Lookup(s.Builtin) // config has checked the name
	if s.Sensor != nil {
		builtin = services.Builtin{} // it is caught before anything would be served
	}
	set := &settings{Service: s, sink: sink, builtin: builtin}
	set.users.Store(1)
	return set
}

// drop ends one use.
func (s *settings) drop() {
	if s.users.Add(-1) == 0 {
		s.sink.Release()
	}
}

// hold returns the current settings, in use by the caller until it drops them. The service must not be gone.
func (s *service) hold() *settings {
	for {
		if set := s.tryHold(); set != nil {
			return set
		}
	}
}

// tryHold is hold, or nil if the service is gone.
func (s *service) tryHold() *settings {
	for {
		set := s.current.Load()
		n := set.users.Load()
		switch {
		case n > 0 && set.users.CompareAndSwap(n, n+1):
			return set
		case n == 0 && s.current.Load() == set:
			return nil
		}
	}
}

func newService(set *settings) *service {
	s := &service{id: set.ID, gate: admit.NewGate(set.Limits, set.Access)}
	s.current.Store(set)
	return s
}

// retune makes set the settings of every connection accepted from now on.
func (s *service) retune(set *settings) {
	s.gate.Retune(set.Limits, set.Access)
	s.current.Swap(set).drop()
}

// mode is the way a listener serves its socket. A socket whose service changes its mode gets a new listener.
type mode uint8

const (
	acceptProgram mode = iota // stream nowait, program
	acceptBuiltin             // stream nowait, builtin or redirection
	waitProgram               // stream or dgram, wait: the program gets the socket itself
	answerDgram               // dgram builtin
	relayDgram                // dgram redirection: a socket to the target for each peer
	sessionDgram              // dgram nowait, program: a connected socket for each peer
)

func (s *settings) mode() mode {
	builtin := s.Builtin != ""
	switch {
	case builtin && s.SocketType == config.Dgram:
		return answerDgram
	case s.Redirect != nil && s.SocketType == config.Dgram:
		return relayDgram
	case builtin, s.Redirect != nil:
		return acceptBuiltin
	case s.Wait:
		return waitProgram
	case s.SocketType == config.Dgram:
		return sessionDgram
	}
	return acceptProgram
}

// sharing says which sockets may stand on the service's addresses when they are opened.
func (s *settings) sharing(retiring []*socket.Socket) socket.Sharing {
	return socket.Sharing{Retiring: retiring, Connected: s.mode() == sessionDgram}
}
