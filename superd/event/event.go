package event

import (
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"superd/superd/config"
)

// Level says how much an event matters.
type Level uint8

const (
	Info Level = iota
	Notice
	Warning
	Error
)

func (l Level) String() string {
	return [...]string{"info", "notice", "warning", "error"}[l]
}

// severity is the level's number in syslog(3) and the journal.
func (l Level) severity() int { return [...]int{6, 5, 4, 3}[l] }

// Event is one entry of a log. It comes from this package's functions; the zero Event is not written.
type Event struct {
	kind   kind
	count  int
	fields [fieldsMax]field
	text   string // lines that follow the event, such as an excerpt of a file

	// Of a connection's event, for the format of xinetd, which shows what is missing:
	flags   config.LogFlags // those it was made with
	process bool            // there is one

	severity Severity
}

// fieldsMax is how many fields the longest event has (EXIT).
const fieldsMax = 15

// Bounds of what others write into a log.
const (
	valueMax = 1 << 10
	textMax  = 8 << 10
)

type field struct {
	key  key
	form form
	num  int64
	str  string
	addr netip.Addr
}

type form uint8

const (
	formNumber  form = iota
	formSeconds      // num is in nanoseconds
	formWord
	formAddress
)

func (e *Event) add(f field) {
	e.fields[e.count] = f
	e.count++
}

func (e *Event) num(k key, n int64) { e.add(field{key: k, form: formNumber, num: n}) }

func (e *Event) duration(k key, d time.Duration) {
	e.add(field{key: k, form: formSeconds, num: int64(max(d, 0))})
}

// str leaves the key out when there is nothing to say.
func (e *Event) str(k key, s string) {
	if s != "" {
		e.add(field{key: k, form: formWord, str: clip(s, valueMax)})
	}
}

func (e *Event) err(err error) {
	if err != nil {
		e.str(keyError, err.Error())
	}
}

// endpoint leaves both keys out when there is no address, as for a wait service.
func (e *Event) endpoint(addrKey, portKey key, ap netip.AddrPort) {
	if !ap.IsValid() {
		return
	}
	a := ap.Addr().Unmap()
	if a.Zone() != "" {
		e.str(addrKey, a.String()) // a zone is the name of an interface: any text
	} else {
		e.add(field{key: addrKey, form: formAddress, addr: a})
	}
	e.num(portKey, int64(ap.Port()))
}

// body sets the lines that follow.
func (e *Event) body(text string) { e.text = strings.TrimRight(clip(text, textMax), "\n") }

// clip shortens s to about limit bytes, at a character's border.
func clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	end := limit
	for end > limit-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}
