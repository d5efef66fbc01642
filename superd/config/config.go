// Package config turns files into values: superd.hcl and what it includes become one immutable Config,
// or a list of diagnostics that says everything that is wrong, where, and what was probably meant.
//
// The road is Load: parse, walk each body from the one attribute table (table.go), merge defaults,
// resolve users, groups, ports and addresses once, validate across attributes and services.
// It is the only package that knows HCL, and asks nobody but the machine, for SELinux by way of superd/selinux. Its values
// are shared vocabulary for socket, admit, spawn and event.
package config

import (
	"net/netip"
	"time"
)

// Unlimited stands for "no limit" in Instances and PerSource.
const Unlimited = -1

// Config is what the daemon runs. It is never changed after Load; a reload makes a new one.
type Config struct {
	Daemon   Daemon
	Services []*Service // enabled services, in file order; IDs are unique
	Disabled []string   // IDs of services that stand in the files and are switched off
	OffAt    []string   // where each of Disabled stands, FILE:LINE
	Files    []string   // every file read, absolute, the main file first
	Includes []string   // include patterns, absolute: where new files may appear
	Hash     string     // SHA-256 of the texts of Files, in hex: equal for equal files, on every machine

	defaults defaultsPlace
}

// Daemon is the `superd { }` block.
type Daemon struct {
	Watch bool          // apply changed files without being asked
	Drain time.Duration // when the daemon stops, for connections to end by themselves before TERM
	Grace time.Duration // between TERM and KILL when the daemon stops
	Log   Log           // where the daemon's own messages go

	Control     Control
	HostsAccess string // the folder of hosts.allow and hosts.deny
	State       string // the folder of what outlives the daemon; "": the usual one; "none": there is none
}

// Control is the control socket.
type Control struct {
	Path string // "": one of the usual places; "none": there is none
	Mode uint32 // permission bits
	Gid  int    // -1: the daemon's own group
}

// Service is one enabled service. Two Services are the same service across a reload when their IDs are equal.
type Service struct {
	ID   string
	Name string
	At   string // FILE:LINE of the block

	origin origin

	SocketType SocketType
	Wait       bool       // the program gets the listening (or datagram) socket itself, one at a time; false for a builtin
	Builtin    string     // the builtin's name, or "" for a Program or a Redirect
	RPC        *RPC       // what is registered with rpcbind; nil: nothing
	Mux        Mux        // how it is reached, if not on Endpoints
	Redirect   *Redirect  // where its clients are handed on to; nil for a builtin or a Program
	Endpoints  []Endpoint // at least one, unless Mux says otherwise
	Socket     SocketOptions
	Program    Program // zero for a builtin and a Redirect

	MaxLifetime time.Duration // 0: none. TERM, then KILL after Grace
	Grace       time.Duration
	IDOnly      bool // flag IDONLY: only a connection whose user the peer's ident server names (RFC 1413) is served
	NoRetry     bool // flag NORETRY: a failed fork refuses the connection at once
	Labeled     bool // flag LABELED: the program gets the SELinux range of its connection's peer, or is not started

	Banner, BannerSuccess, BannerFail []byte // contents, read at load; nil: none

	Limits  Limits
	Access  Access
	Sensor  *Sensor // nil: it serves
	Libwrap string  // the daemon's name in hosts.allow and hosts.deny; "": they are not asked
	Log     Log
}

// SocketType is stream or dgram.
type SocketType uint8

const (
	Stream SocketType = iota
	Dgram
)

func (t SocketType) String() string {
	if t == Dgram {
		return "dgram"
	}
	return "stream"
}

// Endpoint is an address that a service listens on. It is comparable: equal endpoints share one socket across reloads.
type Endpoint struct {
	SocketType SocketType
	Addr       netip.AddrPort // [::]:port is dual-stack unless V6Only
	V6Only     bool           // false for IPv4 addresses
	Device     string         // SO_BINDTODEVICE; "" any interface
	Any        string         // with port 0, which the kernel replaces: the id of the service, whose only it is
}

// SocketOptions may change while a socket stays open.
type SocketOptions struct {
	Backlog   int // 0: the kernel's maximum
	NoDelay   bool
	KeepAlive bool
	Reuse     bool    // flag REUSE; SO_REUSEADDR is always on for stream sockets
	Peers     *Access // flag INTERCEPT: whose packets the kernel lets in, by address alone, whoever has the socket; nil: everybody's
}

// Redirect is where the clients of a service are handed on to.
type Redirect struct {
	Host    string // an address, or a host name in lower case
	Port    uint16
	Connect time.Duration // the longest that reaching it may take; 0: as long as the system tries
	Idle    time.Duration // ends a connection on which nothing moves; 0: never
}

// Program is an external server: everything about it that does not depend on the connection.
type Program struct {
	Path       string
	Args       []string // argv, argv[0] included
	Env        []string // passenv and env, resolved; the connection's own variables are added at start
	Dir        string   // working directory, inside Chroot
	Chroot     string
	Credential *Credential // nil: superd's own identity
	Umask      int
	NoNewPrivs bool
	Nice       int // relative, as nice(2); 0: superd's own
	Rlimits    []Rlimit
}

// Credential is the identity a program runs under, looked up once at load.
type Credential struct {
	Uid, Gid uint32
	Groups   []uint32 // supplementary; empty clears them all
}

// Infinity is RLIM_INFINITY.
const Infinity = ^uint64(0)

// Rlimit is one setrlimit(2) limit, by the attribute's suffix: xinetd's as, cpu, data, files, rss, stack, and core, fsize, nproc.
// Soft and hard are both set to Value (bytes, seconds or descriptors).
type Rlimit struct {
	Name  string
	Value uint64
}

// Limits are the gate's numbers.
type Limits struct {
	Instances       int    // Unlimited, or how many connections may run at once
	PerSource       int    // Unlimited, or how many of one source
	PerSourcePrefix [2]int // prefix length that makes a source: IPv4, IPv6
	CPS             CPS
	MaxLoad         float64 // refuse at this one-minute load average; 0: off
	OnInstances     Policy  // Refuse, Reset or Queue
	OnPerSource     Policy  // Refuse or Reset
	OnCPS           Policy  // Hold, Pause, Refuse, Reset or Queue
}

// CPS is `cps = [Rate, Hold seconds]`: a token bucket of Rate a second and a burst of Rate. Rate 0: off.
type CPS struct {
	Rate int
	Hold time.Duration
}

// Policy says what happens to a connection that a limit does not let in (DESIGN decision 3).
type Policy uint8

const (
	Refuse Policy = iota // answer the banner, half-close, drain, close
	Reset                // RST
	Queue                // stop accepting; the kernel's backlog waits
	Hold                 // refuse, and hold the source off for CPS.Hold
	Pause                // refuse, and stop the whole service for CPS.Hold
)

func (p Policy) String() string {
	return [...]string{"refuse", "reset", "queue", "hold", "pause"}[p]
}

// SensorBuiltin is the Builtin of a service that serves nobody and bans who comes.
const SensorBuiltin = "sensor"

// Sensor is what a service with the flag SENSOR does to who comes.
type Sensor struct {
	DenyTime time.Duration // of a ban; negative: for ever; 0: there is none, only a line in the log
}

// Access is who may come, and when. The zero value admits everybody, always.
type Access struct {
	Restricted bool   // only_from is set: who matches none of OnlyFrom is refused (an empty list refuses all)
	OnlyFrom   []Rule // the most specific rule of both lists wins; a tie denies
	NoAccess   []Rule
	Times      []Window // empty: always

	onlyFromLines, noAccessLines ruleLines
}

// Rule is one word of only_from or no_access: an address range, or a name.
type Rule struct {
	Prefix netip.Prefix // valid: an address rule. IPv4 rules are plain IPv4, never mapped
	Name   string       // otherwise: a host name, or ".domain" for everything below it; lower case
	Word   string       // as the author wrote it
}

// Window is a stretch of local time in which a service is open, both minutes included.
// From > To runs over midnight and belongs to the weekday it starts on.
type Window struct {
	Days     uint8 // bit 0 Sunday … bit 6 Saturday
	From, To int   // minutes since midnight, 0 … 1439
}

// Log says where a service's events go and which of them. Sinks are shared by equal Target.
type Log struct {
	Target    LogTarget
	OnSuccess LogFlags
	OnFailure LogFlags
}

// LogTarget is `log_type`, `log_format` and `log_redact`; comparable.
type LogTarget struct {
	Kind     LogKind
	Facility string // syslog: "daemon", "auth", "local0" …
	Level    string // syslog and journal: "info", "notice" …
	Path     string // file
	Soft     int64  // file: warn when larger; 0: no limit
	Hard     int64  // file: stop writing when larger; 0: no limit
	Format   LogFormat
	Redact   Redaction
}

// LogFormat is how an event is written.
type LogFormat uint8

const (
	TextFormat   LogFormat = iota // NAME key=value …
	JSONFormat                    // an object on a line; the journal, which takes fields, ignores it
	XinetdFormat                  // xinetd's lines, byte for byte
)

func (f LogFormat) String() string { return [...]string{"text", "json", "xinetd"}[f] }

// Redaction is what a log keeps of a peer's address.
type Redaction uint8

const (
	RedactNone   Redaction = iota // all of it, and the port
	RedactPrefix                  // the first 24 bits of an IPv4 and 48 of an IPv6 address
	RedactHash                    // a hash under a key that dies with the daemon: one peer's lines can be told to be one peer's
	RedactDrop                    // nothing
)

func (r Redaction) String() string { return [...]string{"none", "prefix", "hash", "drop"}[r] }

// LogKind is the word that starts log_type.
type LogKind uint8

const (
	Stderr LogKind = iota
	Syslog
	File
	Journal
)

// LogFlags are the words of log_on_success and log_on_failure. Zero: the event is not logged.
type LogFlags uint8

const (
	LogPID LogFlags = 1 << iota
	LogHost
	LogUserID
	LogExit
	LogDuration
	LogAttempt
	LogTraffic
)
