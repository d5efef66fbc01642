// Package services holds the builtins: services that superd answers itself, without a program.
// One table (All), one file each. A builtin takes a connection or a datagram and knows nothing of
// sockets, limits or logs. The package imports the standard library only.
package services

import (
	"net"
	"time"
)

// Builtin is a row of the table. Its functions may run concurrently and keep nothing between calls.
type Builtin struct {
	Name string
	Port uint16 // the well-known port, for tcp and udp
	RFC  string // where the protocol is written down, "RFC 862"

	// Stream serves one connection until the peer is done or c fails. It does not close c.
	Stream func(c net.Conn) error

	// Dgram appends the answer to request to reply[:0] and returns it; nil means no answer.
	// reply has room for at least 65,507 bytes. An answer is never longer than what the protocol promises.
	Dgram func(reply, request []byte, now time.Time) []byte
}
