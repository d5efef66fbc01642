package services

import "time"

// Daemon is what the builtins metrics and status get to see of the daemon that they are part of: numbers, and no way to
// change anything. Its methods may be called from several goroutines.
type Daemon interface {
	// State is what holds now. The first most services of the configuration are described each by itself; what has
	// happened to the others is added up.
	State(most int) State
	// Service is the state of one; false if none has the id.
	Service(id string) (ServiceState, bool)
}

// State is the daemon at one moment. Counters count since it began and only grow, but for those of a service that a reload
// took away and another brought back.
type State struct {
	Version  string
	Now      time.Time
	Began    time.Time // when it was ready
	Stopping bool

	Generation uint64    // of the configuration: 1, and one more with each reload that succeeded
	Hash       string    // of its files, in hex
	Since      time.Time // when it was put in force

	ReloadsDone, ReloadsFailed uint64
	ReloadFailing              bool // the last one failed
	ReloadFailed               time.Time
	ReloadError                string
	ReloadTook                 time.Duration // the last one; 0: there was none

	Sockets, Waiting int // open, and waiting for their port

	Programs         int // that run
	Files, FileLimit int // descriptors of the daemon itself
	FilesReserved    int // of Files, those that are kept for starts of programs
	CPU              time.Duration
	Memory           int64 // resident bytes

	Services []ServiceState
	Others   ServiceState // the sum of Omitted services that have none of their own
	Omitted  int
}

// ServiceState is a service at one moment.
type ServiceState struct {
	ID   string
	Kind string // "program", "wait program", "builtin" or "redirect"

	Running    int           // connections
	Instances  int           // their limit; -1: none
	Sources    int           // the peers that Running are from
	Held       int           // sources held off
	Rate       int           // connections a second; 0: no limit
	Tokens     int           // how many more at once
	Paused     time.Duration // how much longer it accepts nobody since it exceeded cps; 0: it does
	Suspended  bool          // an operator has paused it
	BackingOff bool          // it does not accept, or does not start its program, for a moment: something is wrong with it
	Waiting    int           // endpoints that wait for their port

	Accepted  uint64
	Refused   []Count // by verdict; all verdicts there are
	Datagrams uint64  // answered by a builtin

	Starts    Histogram // of programs
	Durations Histogram
	Exits     []ExitCount // of programs
	MoreExits uint64      // that are not told apart, since a program can end in more ways than are counted

	In, Out      uint64
	User, System time.Duration
	MaxRSS       int64
}

// Count is how often something happened.
type Count struct {
	Name string
	N    uint64
}

// ExitCount is how often programs ended in one way: by a signal, or else with a code.
type ExitCount struct {
	Signal string // "SIGTERM"; "" if none
	Code   int
	N      uint64
}

// Histogram counts durations: Counts[i] those above Bounds[i-1] and up to Bounds[i], the last one those beyond all bounds.
type Histogram struct {
	Bounds []time.Duration // not to be changed
	Counts []uint64
	Sum    time.Duration
}

// The words for how a service, or the whole daemon, is doing.
const (
	Serving    = "serving"
	Waiting    = "waiting for its port"
	BackingOff = "backing off"
	Paused     = "paused"
	Full       = "full"
	Stopping   = "stopping"
	Degraded   = "degraded"
)

// Condition is the first of these words that holds for the service. Only with Serving is the next client served.
func (s *ServiceState) Condition() string {
	switch {
	case s.Waiting > 0:
		return Waiting
	case s.Paused > 0 || s.Suspended:
		return Paused
	case s.BackingOff:
		return BackingOff
	case s.Instances >= 0 && s.Running >= s.Instances:
		return Full
	}
	return Serving
}

// Condition is how the whole daemon is doing. A limit that holds is no trouble: it does what it is there for.
func (s *State) Condition() string {
	switch {
	case s.Stopping:
		return Stopping
	case s.Waiting > 0:
		return Degraded
	}
	return Serving
}

// Add adds what another service has counted, and how it stands now where that can be added.
func (s *ServiceState) Add(o *ServiceState) {
	s.Instances = -1
	s.Running, s.Sources, s.Held, s.Waiting = s.Running+o.Running, s.Sources+o.Sources, s.Held+o.Held, s.Waiting+o.Waiting
	s.Accepted, s.Datagrams = s.Accepted+o.Accepted, s.Datagrams+o.Datagrams
	s.Refused = addCounts(s.Refused, o.Refused)
	s.Starts.add(&o.Starts)
	s.Durations.add(&o.Durations)
	for _, x := range o.Exits {
		s.MoreExits += x.N
	}
	s.MoreExits += o.MoreExits
	s.In, s.Out = s.In+o.In, s.Out+o.Out
	s.User, s.System = s.User+o.User, s.System+o.System
	s.MaxRSS = max(s.MaxRSS, o.MaxRSS)
}

// addCounts adds two lists of the same names, or one to none.
func addCounts(sum, more []Count) []Count {
	if sum == nil {
		sum = make([]Count, len(more))
	}
	for i, c := range more {
		sum[i] = Count{c.Name, sum[i].N + c.N}
	}
	return sum
}

// add adds one of the same bounds, or any to the zero Histogram.
func (h *Histogram) add(o *Histogram) {
	if h.Counts == nil {
		h.Bounds, h.Counts = o.Bounds, make([]uint64, len(o.Counts))
	}
	for i, n := range o.Counts {
		h.Counts[i] += n
	}
	h.Sum += o.Sum
}
