package rpcbind

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// errReply is for bytes that are no reply to the call.
var errReply = errors.New("what rpcbind answers is no answer to the call (RFC 5531)")

// Bounds of what is read: a reply holds one bool or one number and a verifier of at most 400 bytes.
const (
	replyMost    = 1024
	verifierMost = 400
)

// encoder appends XDR (RFC 4506).
type encoder struct{ b []byte }

func (e *encoder) uint(v uint32) { e.b = binary.BigEndian.AppendUint32(e.b, v) }

func (e *encoder) text(s string) {
	e.uint(uint32(len(s)))
	e.b = append(e.b, s...)
	e.b = append(e.b, make([]byte, -len(s)&3)...)
}

// decoder takes XDR apart. After an error every value is zero.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) uint() uint32 {
	if len(d.b) < 4 {
		d.b, d.err = nil, errReply
		return 0
	}
	v := binary.BigEndian.Uint32(d.b)
	d.b = d.b[4:]
	return v
}

// skip passes over an opaque of at most so many bytes.
func (d *decoder) skip(most uint32) {
	n := d.uint()
	padded := int(min(n, most)+3) &^ 3
	if n > most || padded > len(d.b) {
		d.b, d.err = nil, errReply
		return
	}
	d.b = d.b[padded:]
}

// Numbers of RFC 5531.
const (
	msgCall, msgReply = 0, 1
	rpcVersion        = 2
	accepted, denied  = 0, 1
	authNone          = 0
)

// call is a call without credentials: over the local socket rpcbind asks the kernel who calls, over the loopback address it
// looks at the port.
func call(xid, program, version, procedure uint32, args []byte) []byte {
	e := encoder{make([]byte, 0, 40+len(args))}
	for _, v := range []uint32{xid, msgCall, rpcVersion, program, version, procedure, authNone, 0, authNone, 0} {
		e.uint(v)
	}
	return append(e.b, args...)
}

// result is what follows the head of a successful reply to the call xid.
func result(xid uint32, reply []byte) ([]byte, error) {
	d := decoder{b: reply}
	if d.uint() != xid || d.uint() != msgReply {
		return nil, errReply
	}
	switch stat := d.uint(); {
	case d.err != nil:
		return nil, d.err
	case stat == denied:
		return nil, errors.New("rpcbind denies the call")
	case stat != accepted:
		return nil, errReply
	}
	d.uint() // the verifier's flavour
	d.skip(verifierMost)
	stat := d.uint()
	switch {
	case d.err != nil:
		return nil, d.err
	case stat != 0:
		return nil, fmt.Errorf("rpcbind does not do the call: accept_stat %d", stat)
	}
	return d.b, nil
}

// truth is a result that is a bool and nothing more.
func truth(result []byte) (bool, error) {
	d := decoder{b: result}
	v := d.uint()
	if d.err != nil || v > 1 || len(d.b) > 0 {
		return false, errReply
	}
	return v == 1, nil
}
