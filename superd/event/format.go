package event

import (
	"strconv"
	"strings"
	"time"
)

// format turns events into the bytes of one sink. It is not changed once it is in use.
type format struct {
	head     head
	layout   layout
	pid      int // the daemon's
	facility int // syslog(3), times 8
	severity int // the least that an event is sent with, as a number of syslog(3)
	redact   redactor
}

// layout is what an event looks like.
type layout uint8

const (
	layoutText    layout = iota // NAME key=value …
	layoutJSON                  // one object on a line
	layoutXinetd                // xinetd's lines
	layoutJournal               // fields of journald's native protocol
)

// head is what stands before an event.
type head uint8

const (
	headNone     head = iota
	headStamp         // time and process
	headPriority      // <N>, which journald takes off stderr's lines
	headSyslog        // RFC 3164
	headXinetd        // xinetd's time
)

// stamp is RFC 3339 with milliseconds.
const stamp = "2006-01-02T15:04:05.000Z07:00"

// append appends e, whose bytes end in a newline.
func (f *format) append(b []byte, e *Event, now time.Time) []byte {
	e = f.redact.event(e)
	switch f.layout {
	case layoutJournal:
		return f.appendJournal(b, e)
	case layoutXinetd:
		return f.appendXinetd(b, e, now)
	case layoutJSON:
		return f.appendJSON(f.appendHead(b, e, now), e, now)
	}
	b = append(appendText(f.appendHead(b, e, now), e), '\n')
	return f.appendBody(b, e, now)
}

// appendBody appends the lines that follow an event, indented.
func (f *format) appendBody(b []byte, e *Event, now time.Time) []byte {
	if e.text == "" {
		return b
	}
	for line := range strings.SplitSeq(e.text, "\n") {
		if f.head != headStamp {
			b = f.appendHead(b, e, now) // whoever reads these sees lines, not events
		}
		b = append(b, "    "...)
		b = append(appendPrintable(b, line), '\n')
	}
	return b
}

func (f *format) appendHead(b []byte, e *Event, now time.Time) []byte {
	switch f.head {
	case headStamp:
		b = now.UTC().AppendFormat(b, stamp)
		b = append(b, " superd["...)
		b = strconv.AppendInt(b, int64(f.pid), 10)
		b = append(b, "] "...)
	case headPriority:
		b = f.appendPriority(b, e)
	case headSyslog:
		b = f.appendPriority(b, e)
		b = now.Local().AppendFormat(b, time.Stamp)
		if f.layout == layoutXinetd {
			b = append(b, " xinetd["...)
		} else {
			b = append(b, " superd["...)
		}
		b = strconv.AppendInt(b, int64(f.pid), 10)
		b = append(b, "]: "...)
	}
	return b
}

func (f *format) appendPriority(b []byte, e *Event) []byte {
	b = append(b, '<')
	b = strconv.AppendInt(b, int64(f.facilityOf(e)+f.priority(e)), 10)
	return append(b, '>')
}

func (f *format) facilityOf(e *Event) int {
	if n := e.severity.facility; n > 0 && f.head == headSyslog {
		return n - 1
	}
	return f.facility
}

// priority is the configured level for what is ordinary, and the event's own when it is worse. xinetd has nothing worse among
// the lines of its services.
func (f *format) priority(e *Event) int {
	if n := e.severity.level; n > 0 {
		return n - 1
	}
	if f.layout == layoutXinetd && e.kind <= kindUserID {
		return f.severity
	}
	return min(f.severity, kinds[e.kind].level.severity())
}

// appendText appends "NAME key=value …". Whatever a value holds, it stays on the line and ends where it seems to.
func appendText(b []byte, e *Event) []byte {
	b = append(b, kinds[e.kind].name...)
	for i := range e.count {
		v := &e.fields[i]
		b = append(b, ' ')
		b = append(b, keys[v.key].Name...)
		b = append(b, '=')
		if v.form == formWord {
			b = appendWord(b, v.str)
		} else {
			b = v.appendTo(b)
		}
	}
	return b
}

func (f *format) appendJSON(b []byte, e *Event, now time.Time) []byte {
	row := &kinds[e.kind]
	b = append(b, `{"time":"`...)
	b = now.UTC().AppendFormat(b, stamp)
	b = append(b, `","daemon":`...)
	b = strconv.AppendInt(b, int64(f.pid), 10)
	b = append(b, `,"level":"`...)
	b = append(b, row.level.String()...)
	b = append(b, `","event":"`...)
	b = append(b, row.name...)
	b = append(b, '"')
	for i := range e.count {
		v := &e.fields[i]
		b = appendName(b, v.key)
		switch v.form {
		case formWord:
			b = appendString(b, v.str)
		case formAddress:
			b = append(b, '"')
			b = append(v.appendTo(b), '"')
		default:
			b = v.appendTo(b)
		}
	}
	if e.text != "" {
		b = appendString(appendName(b, keyText), e.text)
	}
	return append(b, "}\n"...)
}

func appendName(b []byte, k key) []byte {
	b = append(b, `,"`...)
	b = append(b, keys[k].Name...)
	return append(b, `":`...)
}

// appendTo appends the value as it is.
func (f *field) appendTo(b []byte) []byte {
	switch f.form {
	case formNumber:
		return strconv.AppendInt(b, f.num, 10)
	case formSeconds:
		return appendSeconds(b, time.Duration(f.num))
	case formAddress:
		return f.addr.AppendTo(b)
	}
	return append(b, f.str...)
}

// appendSeconds appends d as seconds with three decimals, rounded down.
func appendSeconds(b []byte, d time.Duration) []byte {
	ms := d.Milliseconds()
	b = strconv.AppendInt(b, ms/1000, 10)
	ms %= 1000
	return append(b, '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
}
