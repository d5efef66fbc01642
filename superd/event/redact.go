package event

import (
	"crypto/sha256"
	"encoding/hex"
	"net/netip"

	"superd/superd/config"
)

// redactor takes from an event what log_redact does not want in a log: the peer's address, its port, and what else may
// tell who the peer is. Addresses of superd's own stay.
type redactor struct {
	how config.Redaction
	key *[32]byte
}

// What remains of an address under log_redact = "prefix".
const (
	kept4 = 24
	kept6 = 48
)

// event is e itself where nothing is to be redacted.
func (r redactor) event(e *Event) *Event {
	if r.how == config.RedactNone || !aboutPeers(e.kind) {
		return e
	}
	less := Event{kind: e.kind, flags: e.flags, process: e.process, severity: e.severity}
	for i := range e.count {
		f := &e.fields[i]
		switch f.key {
		case keyFrom:
			r.from(&less, f)
		case keySource:
			less.str(keySource, r.source(f.str))
		case keyPort:
		case keyDetail:
			if tellsNothing(e.word(keyVerdict)) {
				less.add(*f)
			}
		default:
			less.add(*f)
		}
	}
	return &less
}

func aboutPeers(k kind) bool {
	switch k {
	case kindStart, kindExit, kindRefuse, kindBan, kindUnban:
		return true
	}
	return false
}

// source is what is left of a range of peers' addresses. Whatever else the text is, such as all of them, stays.
func (r redactor) source(text string) string {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return text
	}
	switch r.how {
	case config.RedactHash:
		return r.hash(p.Addr())
	case config.RedactDrop:
		return ""
	}
	bits := kept6
	if p.Addr().Is4() {
		bits = kept4
	}
	return netip.PrefixFrom(p.Addr(), min(bits, p.Bits())).Masked().String()
}

func (r redactor) from(e *Event, f *field) {
	a := f.addr
	if f.form == formWord { // it has a zone
		a, _ = netip.ParseAddr(f.str)
		a = a.WithZone("")
	}
	if !a.IsValid() {
		return
	}
	switch r.how {
	case config.RedactPrefix:
		bits := kept6
		if a.Is4() {
			bits = kept4
		}
		p, _ := a.Prefix(bits) // there are so many
		e.add(field{key: keyFrom, form: formAddress, addr: p.Addr()})
	case config.RedactHash:
		e.add(field{key: keyFrom, form: formWord, str: r.hash(a)})
	}
}

// hash cannot be turned round without the key, by trying all addresses for example. It is SHA-256 of the key and the 16 bytes
// of the address, all of one length, of which 64 bits are enough to tell peers apart.
func (r redactor) hash(a netip.Addr) string {
	var text [len(r.key) + 16]byte
	copy(text[:], r.key[:])
	b := a.As16()
	copy(text[len(r.key):], b[:])
	sum := sha256.Sum256(text[:])
	return "hash:" + hex.EncodeToString(sum[:8])
}

// tellsNothing is for the verdicts whose detail is about this machine. That of any other may hold a peer's name.
func tellsNothing(verdict string) bool {
	switch verdict {
	case "fork", "descriptors", "sensor", "libwrap":
		return true
	}
	return false
}
