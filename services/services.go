// Package services holds the builtins: services that superd answers itself, without a program.
// One table (All), one file each. A builtin takes a connection or a datagram and knows nothing of
// sockets, limits or logs. The package imports the standard library only.
package services

import (
	"net"
	"slices"
	"time"
)

// Builtin is a row of the table. Its functions may run concurrently and keep nothing between calls.
type Builtin struct {
	Name string
	Port uint16 // the well-known port, for tcp and udp
	RFC  string // where the protocol is written down, "RFC 862"

	// Stream is nil for a builtin that is not for TCP, and serves one connection until the peer is done (nil) or c fails. It does not close c,
	// and may leave a read deadline on it. A peer that resets or leaves early is done, not a failure.
	Stream func(c net.Conn) error

	// Text is for a builtin that says one short text, appended to b, to whoever comes, and is done. Its Stream and Dgram say the same.
	Text func(b []byte, now time.Time) []byte

	// Page is a Stream that shows the daemon itself. A builtin that has it has no Stream.
	Page func(c net.Conn, d Daemon) error

	// Dgram is nil for a builtin that is not for UDP, and appends the answer to request to reply[:0] and returns it; nil means no answer.
	// reply has room for at least 65,507 bytes. An answer is never longer than what the protocol promises.
	// now is shown in its own time zone.
	Dgram func(reply, request []byte, now time.Time) []byte
}

var builtins = []Builtin{
	{Name: "chargen", Port: 19, RFC: "RFC 864", Stream: chargenStream, Dgram: chargenDgram},
	say("daytime", 13, "RFC 867", appendDaytime),
	{Name: "discard", Port: 9, RFC: "RFC 863", Stream: discardStream, Dgram: discardDgram},
	{Name: "echo", Port: 7, RFC: "RFC 862", Stream: echoStream, Dgram: echoDgram},
	{Name: "metrics", RFC: "RFC 9112", Page: metricsPage},
	{Name: "status", RFC: "RFC 9112", Page: statusPage},
	{Name: "tcpmux", Port: 1, RFC: "RFC 1078", Stream: muxStream},
	say("time", 37, "RFC 868", appendTime),
}

// Streams reports whether the builtin is for TCP.
func (b Builtin) Streams() bool { return b.Stream != nil || b.Page != nil }

// All returns the builtins by name. The slice is the caller's.
func All() []Builtin { return slices.Clone(builtins) }

// Lookup finds a builtin by its name.
func Lookup(name string) (Builtin, bool) {
	for _, b := range builtins {
		if b.Name == name {
			return b, true
		}
	}
	return Builtin{}, false
}
