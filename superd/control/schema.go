package control

import (
	"net/netip"
	"time"
)

// Version is that of the schema, and the first part of each path. Within a version fields are added, never changed or taken away.
const Version = 1

// Hello is who answers.
type Hello struct {
	Version int    `json:"version"` // of the schema
	Superd  string `json:"superd"`  // the program's
	Pid     int    `json:"pid"`
	Config  string `json:"config"` // the main file, absolute
}

// Status is the state of the daemon, and of its services in the order of the files.
type Status struct {
	Hello
	Time        time.Time  `json:"time"` // when this was so
	Started     time.Time  `json:"started"`
	Generation  uint64     `json:"generation"` // of the configuration; 1 at start
	Loaded      time.Time  `json:"loaded"`     // when that was put in force
	Hash        string     `json:"hash"`       // of its files
	Failure     *Failure   `json:"failure,omitempty"`
	Connections int        `json:"connections"`
	Degraded    int        `json:"degraded"` // how many services are; the failure counts as one
	Services    []Service  `json:"services"`
	Resources   *Resources `json:"resources,omitempty"` // with detail
}

// Failure is a reload that failed, and was not followed by one that did not: the files are not what runs.
type Failure struct {
	Time  time.Time `json:"time"`
	Error string    `json:"error"`
}

// The states of a Service.
const (
	Listening  = "listening"
	Paused     = "paused"      // by its cps, until Until, or by an operator, until resumed
	BackingOff = "backing off" // its program leaves without having taken its input, or descriptors or processes have run out
	Waiting    = "waiting for its port"
	Disabled   = "disabled"
	Retired    = "retired" // no longer in the files; connections are left
)

// Service is one service at one moment.
type Service struct {
	ID        string            `json:"id"`
	Name      string            `json:"name"`
	State     string            `json:"state"`
	Reason    string            `json:"reason,omitempty"` // of a state other than listening
	Until     *time.Time        `json:"until,omitempty"`  // when it ends by itself, or is tried again
	Degraded  bool              `json:"degraded"`
	At        string            `json:"at"`             // FILE:LINE
	Runs      string            `json:"runs,omitempty"` // the program's path, or "builtin NAME"
	Endpoints []Endpoint        `json:"endpoints"`
	Running   int               `json:"running"`
	Instances int               `json:"instances"` // the limit; -1: none
	Accepted  uint64            `json:"accepted"`
	Datagrams uint64            `json:"datagrams,omitempty"` // answered by a builtin
	Refused   map[string]uint64 `json:"refused"`             // by verdict, those above 0
	Last      *Last             `json:"last,omitempty"`
	Detail    *Detail           `json:"detail,omitempty"`
}

// Endpoint is an address of a service; Error says why it is not open.
type Endpoint struct {
	Endpoint string `json:"endpoint"`
	Error    string `json:"error,omitempty"`
}

// Last is the last event of a service.
type Last struct {
	Time    time.Time `json:"time"`
	Event   string    `json:"event"`
	Summary string    `json:"summary"`
}

// Detail is what only a closer look shows.
type Detail struct {
	Connections []Connection `json:"connections"` // the oldest first, at most MaxListed
	Sources     []Source     `json:"sources"`     // those with the most connections first, at most MaxSources
	PerSource   int          `json:"per_source"`  // the limit; -1: none
	Held        int          `json:"held"`        // sources held off by cps
	Tokens      int          `json:"tokens"`      // that cps has left; -1: no limit
	Rate        int          `json:"rate"`        // of cps; 0: no limit
	Attributes  []Attribute  `json:"attributes"`
}

// Bounds of a Detail.
const (
	MaxListed  = 1000
	MaxSources = 20
)

// Connection is one that is served now.
type Connection struct {
	ID      uint64         `json:"id"` // as in the log
	Service string         `json:"service"`
	Peer    netip.AddrPort `json:"peer,omitzero"`
	Local   netip.AddrPort `json:"local,omitzero"`
	Pid     int            `json:"pid,omitempty"` // 0: a builtin
	Started time.Time      `json:"started"`
	In      *uint64        `json:"in,omitempty"` // bytes from the peer, where the kernel tells
	Out     *uint64        `json:"out,omitempty"`
	CPU     *float64       `json:"cpu,omitempty"` // seconds, of the program
}

// Source is where connections come from.
type Source struct {
	Source  netip.Prefix `json:"source"`
	Running int          `json:"running"`
}

// Attribute is one that a service goes by, as HCL, and where it was written: FILE:LINE, or "" for superd's own default.
// Values of env are not shown.
type Attribute struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	From  string `json:"from,omitempty"`
}

// Explanation is what would happen to a client.
type Explanation struct {
	Version int       `json:"version"`
	Service string    `json:"service"`
	Address string    `json:"address"`
	Time    time.Time `json:"time"`
	Live    bool      `json:"live"` // false: from the files alone, without the daemon's counters
	Verdict string    `json:"verdict"`
	Action  string    `json:"action"` // in words
	Names   []string  `json:"names,omitempty"`
	Steps   []Step    `json:"steps"` // in the gate's order; the first that is not OK decides
}

// Step is one question of the gate.
type Step struct {
	Verdict string `json:"verdict"` // the one that a no gives
	OK      bool   `json:"ok"`
	Text    string `json:"text"`
	From    string `json:"from,omitempty"` // FILE:LINE of the rule or limit
}

// Plan is what a reload would change.
type Plan struct {
	Version  int       `json:"version"`
	Valid    bool      `json:"valid"` // false: see Problems
	Open     []Planned `json:"open"`
	Retune   []Planned `json:"retune"`
	Retire   []Planned `json:"retire"`
	Kept     int       `json:"kept"`
	Daemon   []Change  `json:"daemon"` // in the superd block
	Problems []Problem `json:"problems"`
}

// Empty reports whether nothing would change.
func (p *Plan) Empty() bool { return len(p.Open)+len(p.Retune)+len(p.Retire)+len(p.Daemon) == 0 }

// Planned is a service that a plan touches.
type Planned struct {
	ID        string   `json:"id"`
	At        string   `json:"at"`
	Endpoints []string `json:"endpoints"`
	Running   int      `json:"running"` // connections that go on as they began
	Changes   []Change `json:"changes,omitempty"`
}

// Change is an attribute, as HCL, before and after; "" where there is none.
type Change struct {
	Attribute string `json:"attribute"`
	Old       string `json:"old"`
	New       string `json:"new"`
	From      string `json:"from,omitempty"` // FILE:LINE of the new one
}

// Problem is a diagnostic of the configuration. Text is the whole of it for a person, with the lines in question for
// those who may change the daemon.
type Problem struct {
	Severity string `json:"severity"`
	At       string `json:"at"`
	Summary  string `json:"summary"`
	Text     string `json:"text"`
}

// Reloaded is what a reload has done. Error is set if it did nothing.
type Reloaded struct {
	Plan
	Error string `json:"error,omitempty"`
}

// All is the word for all bans.
const All = "all"

// Bans are the sources that sensors have caught, the newest first.
type Bans struct {
	Version int   `json:"version"`
	Bans    []Ban `json:"bans"`
}

// Ban is one of them.
type Ban struct {
	Source netip.Prefix `json:"source"`
	Sensor string       `json:"sensor"` // the service's id
	Since  time.Time    `json:"since"`
	Until  *time.Time   `json:"until,omitempty"` // none: for ever
	Hits   int          `json:"hits"`
}

// Done is what a change did.
type Done struct {
	Version int    `json:"version"`
	Text    string `json:"text"`
	Count   int    `json:"count,omitempty"` // connections that are ended
}

// Resources are what the daemon uses.
type Resources struct {
	Descriptors    int    `json:"descriptors"`
	MaxDescriptors uint64 `json:"max_descriptors"`
	Goroutines     int    `json:"goroutines"`
	Heap           uint64 `json:"heap"`    // bytes
	Clients        int    `json:"clients"` // of the control socket
}

// Dump is everything, for a bug report.
type Dump struct {
	Status
	Go       string   `json:"go"`
	System   string   `json:"system"`
	Files    []string `json:"files"`
	Settings []string `json:"settings"` // of the build
	Events   []string `json:"events"`   // the last ones, one line each
	Stacks   string   `json:"stacks"`   // of the goroutines
}

// Error is an answer that is none. It goes over the wire as {"error": Text} with the HTTP status Code.
type Error struct {
	Code int
	Text string
}

func (e *Error) Error() string { return e.Text }
