package main

import (
	"fmt"
	"unicode"
	"unicode/utf8"

	"superd/superd/control"
)

// key is a key that was pressed: a character, or one of those below.
type key rune

const (
	keyUp key = -1 - iota
	keyDown
	keyPageUp
	keyPageDown
	keyEnter
	keyTab
	keyBackTab
	keyBackspace
	keyDelete
	keyEscape
	keyKick
	keyPause
	keyQuit
	keyUnknown
)

// sequences are what terminals send for keys (ECMA-48, and DEC's way for the arrows).
var sequences = map[string]key{
	"\x1b[A": keyUp, "\x1bOA": keyUp, "\x1b[B": keyDown, "\x1bOB": keyDown, "\x1b[5~": keyPageUp, "\x1b[6~": keyPageDown,
	"\x1b[Z": keyBackTab, "\x1b[3~": keyDelete,
	"\r": keyEnter, "\n": keyEnter, "\t": keyTab, "\x7f": keyBackspace, "\b": keyBackspace,
	"\x0b": keyKick, "\x10": keyPause, "\x03": keyQuit, "\x04": keyQuit,
}

// nextKey takes a key off what a terminal has sent at once, and says how many bytes that was; 0 for nothing. An escape that
// nothing follows is the key of that name.
func nextKey(b []byte) (key, int) {
	if len(b) == 0 {
		return 0, 0
	}
	if b[0] == 0x1b {
		n := sequence(b)
		if k, ok := sequences[string(b[:n])]; ok {
			return k, n
		}
		if n == 1 {
			return keyEscape, 1
		}
		return keyUnknown, n
	}
	if k, ok := sequences[string(b[:1])]; ok {
		return k, 1
	}
	r, n := utf8.DecodeRune(b)
	if r == utf8.RuneError || !unicode.IsPrint(r) {
		return keyUnknown, n
	}
	return key(r), n
}

// sequence is the length of the escape sequence that b begins with.
func sequence(b []byte) int {
	if len(b) < 2 || b[1] != '[' && b[1] != 'O' {
		return 1
	}
	for i := 2; i < len(b); i++ {
		if b[i] >= 0x40 && b[i] <= 0x7e {
			return i + 1
		}
	}
	return len(b)
}

// press changes the board as a key says. It returns quit if that was the last.
func (b *board) press(k key) deed {
	if k == keyQuit {
		return quit
	}
	b.message = ""
	if b.confirm.what != nothing {
		if k == 'y' || k == 'Y' {
			b.order = b.confirm
		}
		b.confirm = order{}
		return nothing
	}
	switch k {
	case keyUp:
		b.selected--
	case keyDown:
		b.selected++
	case keyPageUp:
		b.selected -= 10
	case keyPageDown:
		b.selected += 10
	case keyTab:
		b.sort++
	case keyBackTab:
		b.sort += len(serviceColumns)*len(connectionColumns) - 1
	case keyBackspace:
		if r := []rune(b.filter); len(r) > 0 {
			b.filter = string(r[:len(r)-1])
		}
	case keyEscape:
		b.back()
	case keyEnter, keyPause, keyKick, keyDelete:
		b.act(k)
	default:
		if k > 0 {
			b.filter += string(rune(k))
		}
	}
	return nothing
}

// quit is what press returns for the last key.
const quit deed = -1

// back ends the filter, or the view of one service's connections.
func (b *board) back() {
	switch {
	case b.filter != "":
		b.filter = ""
	case b.service != "":
		b.service, b.selected, b.sort = "", 0, 0
		b.order = order{what: look}
	}
}

// act is for keys about the row that is selected.
func (b *board) act(k key) {
	_, rows := b.table()
	b.selected = max(0, min(b.selected, len(rows)-1))
	var r row
	if len(rows) > 0 {
		r = rows[b.selected]
	}
	switch {
	case k == keyPause && b.service != "":
		b.confirm = pausing(b.service, b.stateOf(b.service))
	case len(rows) == 0:
	case k == keyPause:
		b.confirm = pausing(r.service, r.state)
	case k == keyEnter && b.service == "":
		b.service, b.filter, b.selected, b.sort = r.service, "", 0, 0
		b.order = order{what: look}
	case k == keyEnter:
	case r.connection == 0:
		b.message = "choose a connection: Enter shows those of the service"
	default:
		b.confirm = order{what: kickConnection, connection: r.connection, question: fmt.Sprintf("end connection %d of %s?", r.connection, r.service)}
	}
}

func (b *board) stateOf(service string) string {
	for _, v := range b.status.Services {
		if v.ID == service {
			return v.State
		}
	}
	return ""
}

func pausing(service, state string) order {
	if state == control.Paused {
		return order{what: resumeService, service: service, question: fmt.Sprintf("have %s accept again?", service)}
	}
	return order{what: pauseService, service: service, question: fmt.Sprintf("have %s accept nobody?", service)}
}
