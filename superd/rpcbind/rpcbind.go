// Package rpcbind registers RPC programs with the rpcbind of this machine (RFC 1833), and withdraws them.
//
// It speaks version 4 over rpcbind's local socket, where rpcbind knows from the kernel who calls. Where there is none it
// speaks version 2, the portmapper's, over TCP to port 111 of the loopback address, from a reserved port if that can be had;
// the portmapper knows IPv4 only. Every length is checked, and a context bounds the time.
package rpcbind

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Mapping says where one version of a program is to be found.
type Mapping struct {
	Program, Version uint32
	Netid            string // "tcp", "udp", "tcp6" or "udp6"
	Addr             netip.AddrPort
}

// universal is an address as rpcbind writes it (RFC 5665, 5.2.3): "192.0.2.1.3.64" is port 832.
func universal(a netip.AddrPort) string {
	return fmt.Sprintf("%s.%d.%d", a.Addr().WithZone(""), a.Port()>>8, a.Port()&0xff)
}

// Client reaches a rpcbind. The zero value reaches that of the machine.
type Client struct {
	Socket     string         // of rpcbind; "": /run/rpcbind.sock
	Portmapper netip.AddrPort // "": 127.0.0.1:111
}

// Session is a connection to rpcbind. It belongs to one goroutine, and is closed by its user. After an error that is not
// about the mapping it is of no further use.
type Session struct {
	conn net.Conn
	old  bool // version 2
	xid  uint32
	stop func() bool // of watching the context
}

// Open connects to rpcbind. The whole session ends with ctx.
func (c Client) Open(ctx context.Context) (*Session, error) {
	path, at := c.Socket, c.Portmapper
	if path == "" {
		path = "/run/rpcbind.sock"
	}
	if !at.IsValid() {
		at = netip.MustParseAddrPort("127.0.0.1:111")
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	s := &Session{conn: conn, xid: rand.Uint32()}
	if err != nil {
		var second error
		if s.conn, second = reserved(ctx, at); second != nil {
			return nil, fmt.Errorf("rpcbind: %w; %w", err, second)
		}
		s.old = true
	}
	s.stop = context.AfterFunc(ctx, func() { _ = s.conn.SetDeadline(time.Unix(1, 0)) }) // a deadline that is past ends what waits
	return s, nil
}

// reserved connects from a port that only root can have, which is how the portmapper knows it; any port must do for others.
func reserved(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	const first, count = 600, 424
	start := rand.IntN(count)
	for i := range 16 {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: to.Addr().AsSlice(), Port: first + (start+i)%count}}
		if conn, err := d.DialContext(ctx, "tcp", to.String()); err == nil {
			return conn, nil
		}
	}
	var d net.Dialer
	return d.DialContext(ctx, "tcp", to.String())
}

// Close ends the session.
func (s *Session) Close() {
	s.stop()
	_ = s.conn.Close()
}

// Knows reports whether a mapping can be told to this rpcbind at all: the portmapper knows nothing of IPv6.
func (s *Session) Knows(m Mapping) bool { return !s.old || !strings.HasSuffix(m.Netid, "6") }

// Wide reports whether Unset withdraws a program's version for every protocol, as the portmapper does.
func (s *Session) Wide() bool { return s.old }

// Set registers a mapping; false if rpcbind has another address for it. One that is registered already is no matter.
func (s *Session) Set(m Mapping) (bool, error) { return s.change(procedureSet, m) }

// Unset withdraws a mapping; false if there is none, or it is another user's.
func (s *Session) Unset(m Mapping) (bool, error) { return s.change(procedureUnset, m) }

// Numbers of RFC 1833; the procedures have the same ones in both protocols.
const (
	programRpcbind = 100000
	procedureSet   = 1
	procedureUnset = 2
)

func (s *Session) change(procedure uint32, m Mapping) (bool, error) {
	var e encoder
	e.uint(m.Program)
	e.uint(m.Version)
	version := uint32(4)
	if s.old {
		version = 2
		e.uint(protocol(m.Netid))
		e.uint(uint32(m.Addr.Port()))
	} else {
		e.text(m.Netid)
		e.text(universal(m.Addr))
		e.text("") // rpcbind knows the owner
	}
	answer, err := s.call(version, procedure, e.b)
	if err != nil {
		return false, fmt.Errorf("rpcbind: %w", err)
	}
	ok, err := truth(answer)
	if err != nil {
		return false, fmt.Errorf("rpcbind: %w", err)
	}
	return ok, nil
}

func protocol(netid string) uint32 {
	if strings.HasPrefix(netid, "udp") {
		return 17
	}
	return 6
}

// lastFragment marks the last part of a record on a stream (RFC 5531, 11).
const lastFragment = 1 << 31

func (s *Session) call(version, procedure uint32, args []byte) ([]byte, error) {
	s.xid++
	message := call(s.xid, programRpcbind, version, procedure, args)
	record := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(message)), lastFragment|uint32(len(message)))
	if _, err := s.conn.Write(append(record, message...)); err != nil {
		return nil, err
	}
	reply, err := readRecord(s.conn)
	if err != nil {
		return nil, err
	}
	return result(s.xid, reply)
}

// readRecord reads the fragments of a record, which together are short.
func readRecord(r io.Reader) ([]byte, error) {
	var record []byte
	for range replyMost { // empty fragments are allowed, but not without end
		var head [4]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return nil, err
		}
		h := binary.BigEndian.Uint32(head[:])
		n := int(h &^ lastFragment)
		if n > replyMost-len(record) {
			return nil, errReply
		}
		start := len(record)
		record = append(record, make([]byte, n)...)
		if _, err := io.ReadFull(r, record[start:]); err != nil {
			return nil, err
		}
		if h&lastFragment != 0 {
			return record, nil
		}
	}
	return nil, errReply
}

// String is "100002 version 3 udp 0.0.0.0:832".
func (m Mapping) String() string {
	return strconv.FormatUint(uint64(m.Program), 10) + " version " + strconv.FormatUint(uint64(m.Version), 10) + " " + m.Netid + " " + m.Addr.String()
}

// Patience is a time limit for a session with a rpcbind of the same machine.
const Patience = 5 * time.Second
