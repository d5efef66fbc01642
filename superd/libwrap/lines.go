package libwrap

import (
	"bytes"
	"strings"
)

// lineMax is the size of libwrap's buffer for a rule, its newline and a final NUL included.
const lineMax = 2048

// lines cuts a table into logical lines, as libwrap's xgets does.
type lines struct {
	rest []byte
	n    int // of the physical line last read
}

// next returns the next logical line without its newline. whole is false for one that has none, is too long or is no text:
// nothing after it is read. At the end both are zero.
func (l *lines) next() (line string, whole bool) {
	var b strings.Builder
	for len(l.rest) > 0 {
		room := lineMax - b.Len() - 1 // for fgets(3)
		end := bytes.IndexByte(l.rest, '\n') + 1
		switch {
		case end == 0 || end > room || bytes.IndexByte(l.rest[:end], 0) >= 0:
			l.n++
			b.Write(l.rest[:min(len(l.rest), room)])
			l.rest = nil
			return b.String(), false
		case end >= 2 && l.rest[end-2] == '\\':
			b.Write(l.rest[:end-2])
		default:
			b.Write(l.rest[:end-1])
			l.rest = l.rest[end:]
			l.n++
			return b.String(), true
		}
		l.rest = l.rest[end:]
		l.n++
	}
	return b.String(), false // the file ends in a continuation, or has ended
}

// cut splits s at the first sep that is not in brackets, as an IPv6 address is.
func cut(s string, sep byte) (before, after string, found bool) {
	depth := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '[':
			depth++
		case c == ']':
			depth--
		case c == sep && depth == 0:
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

// blanks are what separates words in a rule.
const blanks = " \t\r\n"

// fold is ASCII's strcasecmp.
func fold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}
