package services

import (
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"time"
)

// ended returns nil for the errors by which a peer leaves, and any other error as it is.
func ended(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
		return nil
	}
	return err
}

// answer writes the whole answer of a service that speaks once. Closing a socket with unread input resets it,
// and the reset can overtake the answer; so what the peer still says is read, for a moment, before the owner closes.
func answer(c net.Conn, text []byte) error {
	if told, err := writeLast(c, text); err != nil || !told {
		return ended(err)
	}
	if c.SetReadDeadline(time.Now().Add(DrainTime)) == nil {
		var b buffer
		defer b.release()
		for seen := 0; seen < DrainBytes; {
			p, err := b.read(c)
			if err != nil {
				break
			}
			seen += len(p)
		}
	}
	return nil
}

// How long, and how much, is still read of a peer that has its answer.
const (
	DrainTime  = time.Second
	DrainBytes = 64 << 10
)

// writeLast writes text and EOF, in one packet where c can do that, and reports whether the peer is told that this was all.
func writeLast(c net.Conn, text []byte) (told bool, err error) {
	if one, ok := c.(interface{ WriteLast([]byte) error }); ok {
		return true, one.WriteLast(text)
	}
	if _, err := c.Write(text); err != nil {
		return false, err
	}
	half, ok := c.(interface{ CloseWrite() error })
	return ok && half.CloseWrite() == nil, nil // the answer is out; that the peer has gone already is no failure
}

// buffer is what one connection reads into: small while the peer is quiet, so that thousands of idle connections
// weigh little, and a large one on loan from the pool while there is more to read than the small one holds.
type buffer struct {
	small [512]byte
	large *[32 << 10]byte
	last  int // length of the last read
}

var pool = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// read reads once. The bytes are valid until the next call.
func (b *buffer) read(r io.Reader) ([]byte, error) {
	p := b.small[:]
	if b.last >= len(b.small) {
		if b.large == nil {
			b.large = pool.Get().(*[32 << 10]byte)
		}
		p = b.large[:]
	} else {
		b.release()
	}
	n, err := r.Read(p)
	b.last = n
	return p[:n], err
}

// release gives the large buffer back.
func (b *buffer) release() {
	if b.large != nil {
		pool.Put(b.large)
		b.large = nil
	}
}

// say is a builtin that says one text and is done.
func say(name string, port uint16, rfc string, text func([]byte, time.Time) []byte) Builtin {
	return Builtin{
		Name: name, Port: port, RFC: rfc, Text: text,
		Stream: func(c net.Conn) error { return answer(c, text(nil, time.Now())) },
		Dgram:  func(reply, _ []byte, now time.Time) []byte { return text(reply[:0], now) },
	}
}
