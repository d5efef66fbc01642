package event

import (
	"strconv"
	"unicode/utf8"
)

// appendWord appends s as it is when that cannot be misread, and otherwise in double quotes with Go's escapes.
func appendWord(b []byte, s string) []byte {
	if s == "" || !plain(s) {
		return strconv.AppendQuote(b, s)
	}
	return append(b, s...)
}

// plain reports whether s has neither space nor quote, nor anything that does not show as itself.
func plain(s string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f:
			return false
		case c >= utf8.RuneSelf:
			return showable(s[i:])
		}
	}
	return true
}

// showable is plain for text that is not ASCII.
func showable(s string) bool {
	for _, r := range s {
		if r == utf8.RuneError || r == ' ' || r == '"' || r == '=' || r == '\\' || !strconv.IsPrint(r) {
			return false
		}
	}
	return true
}

// appendPrintable appends a line of text in which only tabs and what can be printed stand as they are.
func appendPrintable(b []byte, line string) []byte {
	for len(line) > 0 {
		r, n := utf8.DecodeRuneInString(line)
		switch {
		case r == utf8.RuneError && n == 1:
			b = append(b, `\x`...)
			b = appendHex(b, rune(line[0]), 2)
		case r == '\t' || strconv.IsPrint(r):
			b = append(b, line[:n]...)
		case r < utf8.RuneSelf:
			b = append(b, `\x`...)
			b = appendHex(b, r, 2)
		default:
			b = append(b, `\u{`...)
			b = strconv.AppendInt(b, int64(r), 16)
			b = append(b, '}')
		}
		line = line[n:]
	}
	return b
}

// appendString appends s as a JSON string (RFC 8259) of characters that can be printed. Bytes that are no UTF-8 become U+FFFD.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\t':
			b = append(b, `\t`...)
		case r == utf8.RuneError && n == 1:
			b = append(b, `\ufffd`...)
		case strconv.IsPrint(r):
			b = append(b, s[:n]...)
		default:
			b = appendUTF16(b, r)
		}
		s = s[n:]
	}
	return append(b, '"')
}

// appendUTF16 appends \uXXXX, or two of them for what lies beyond 16 bits.
func appendUTF16(b []byte, r rune) []byte {
	if r > 0xffff {
		r -= 0x10000
		b = appendUTF16(b, 0xd800+r>>10)
		r = 0xdc00 + r&0x3ff
	}
	return appendHex(append(b, `\u`...), r, 4)
}

func appendHex(b []byte, r rune, digits int) []byte {
	for digits--; digits >= 0; digits-- {
		b = append(b, "0123456789abcdef"[r>>(4*digits)&0xf])
	}
	return b
}
