package event

import (
	"encoding/binary"
	"strconv"
	"strings"
)

// journalSocket is where journald takes datagrams of its native protocol:
// https://systemd.io/JOURNAL_NATIVE_PROTOCOL/
const journalSocket = "/run/systemd/journal/socket"

var journalNames = func() (names [len(keys)]string) {
	for k := range keys {
		names[k] = "SUPERD_" + strings.ToUpper(keys[k].Name)
	}
	return
}()

// appendJournal appends the event as journald's fields: the text as MESSAGE, and each key by itself.
func (f *format) appendJournal(b []byte, e *Event) []byte {
	b = appendMessage(b, e)
	b = append(b, "PRIORITY="...)
	b = strconv.AppendInt(b, int64(f.priority(e)), 10)
	b = append(b, "\nSYSLOG_IDENTIFIER=superd\nSUPERD_EVENT="...)
	b = append(b, kinds[e.kind].name...)
	b = append(b, '\n')
	for i := range e.count {
		b = appendField(b, &e.fields[i])
	}
	return b
}

func appendMessage(b []byte, e *Event) []byte {
	if e.text == "" {
		return append(appendText(append(b, "MESSAGE="...), e), '\n')
	}
	b, start := beginSized(append(b, "MESSAGE"...))
	b = appendText(b, e)
	for line := range strings.SplitSeq(e.text, "\n") {
		b = appendPrintable(append(b, "\n    "...), line)
	}
	return endSized(b, start)
}

// appendField uses the form with a length for what would end a field too soon.
func appendField(b []byte, f *field) []byte {
	b = append(b, journalNames[f.key]...)
	if f.form != formWord || !strings.Contains(f.str, "\n") {
		b = append(b, '=')
		return append(f.appendTo(b), '\n')
	}
	b, start := beginSized(b)
	return endSized(append(b, f.str...), start)
}

// beginSized leaves room for the length of the value that begins at start.
func beginSized(b []byte) (_ []byte, start int) {
	b = append(b, "\n\x00\x00\x00\x00\x00\x00\x00\x00"...)
	return b, len(b)
}

func endSized(b []byte, start int) []byte {
	binary.LittleEndian.PutUint64(b[start-8:], uint64(len(b)-start))
	return append(b, '\n')
}
