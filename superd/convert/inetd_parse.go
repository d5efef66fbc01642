package convert

import (
	"fmt"
	"strings"
)

// inetdEntry is a line of inetd.conf(5), with those that continue it, or one of NetBSD's key = value entries.
type inetdEntry struct {
	at       origin
	lines    []origin // all of it, the first included
	before   []row
	fields   []string // service, socket type, protocol, wait, user, server, arguments…
	quoted   bool     // quotes were taken off
	disabled bool     // it stands behind a #
	marker   string   // what stood before it: "#", "#<off>#" …
	keys     []keyValue
	on       bool   // of a key = value entry
	include  string // of NetBSD's .include
	bad      string // why it is no entry
}

// keyValue is one option of NetBSD's notation.
type keyValue struct {
	origin
	key    string
	values []string
}

// socketTypes are the words for what kind of socket a service has.
var socketTypes = []string{"stream", "dgram", "raw", "rdm", "seqpacket", "tli", "xti", "sunrpc_tcp", "sunrpc_udp"}

func isSocketType(word string) bool {
	word, _, _ = strings.Cut(strings.ToLower(word), ":") // NetBSD: an accept filter
	word, _, _ = strings.Cut(word, ",")                  // NetBSD: how many to accept
	for _, t := range socketTypes {
		if word == t {
			return true
		}
	}
	return false
}

// parseInetd reads the lines of a file; the comments below the last entry are after.
func parseInetd(lines []line) (entries []*inetdEntry, after []row) {
	var before []row
	take := func(e *inetdEntry) {
		e.before = trimBlank(before)
		before = nil
		entries = append(entries, e)
	}
	for i := 0; i < len(lines); {
		l := lines[i]
		text := strings.TrimSpace(l.text)
		switch {
		case text == "":
			before = append(before, row{})
			i++
		case text[0] == '#':
			if e, ok := disabledEntry(l); ok {
				take(e)
			} else {
				before = append(before, row{comment: comment(text), from: []origin{l}})
			}
			i++
		case isKeyed(text):
			e, used := parseKeyed(lines[i:])
			take(e)
			i += used
		default:
			e, used := parsePositional(lines[i:])
			take(e)
			i += used
		}
	}
	return entries, trimBlank(before)
}

// parsePositional reads an entry of one line, and the lines that continue it: after a backslash, or indented.
func parsePositional(lines []line) (e *inetdEntry, used int) {
	e = &inetdEntry{at: lines[0]}
	var parts []string
	last := ""
	for used = 0; used < len(lines); used++ {
		next := lines[used].text
		if used > 0 && !continues(last, next) {
			break
		}
		e.lines = append(e.lines, lines[used])
		last = strings.TrimRight(next, " \t")
		parts = append(parts, strings.TrimSuffix(last, `\`))
	}
	e.fields, e.quoted, e.bad = shellWords(strings.Join(parts, " "))
	if e.bad == "" && e.fields[0] == ".include" && len(e.fields) > 1 {
		e.include = e.fields[1]
	}
	return e, used
}

// continues reports whether a line goes on with an entry. An indented line that is an entry by itself is taken for one.
func continues(text, next string) bool {
	if strings.HasSuffix(text, `\`) {
		return true
	}
	if next == "" || next[0] != ' ' && next[0] != '\t' {
		return false
	}
	words := strings.Fields(next)
	return len(words) > 0 && words[0][0] != '#' && !(len(words) > 1 && isSocketType(words[1])) && !isKeyed(next)
}

// shellWords parts words by blanks; quotes keep them together, as in the inetd of FreeBSD and NetBSD.
func shellWords(text string) (words []string, quoted bool, bad string) {
	var word strings.Builder
	var quote rune
	begun := false
	for _, r := range text {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '"' || r == '\''):
			quote, begun, quoted = r, true, true
		case quote == 0 && (r == ' ' || r == '\t' || r == '\r' || r == '\f' || r == '\v'):
			if begun {
				words = append(words, word.String())
				word.Reset()
				begun = false
			}
		default:
			word.WriteRune(r)
			begun = true
		}
	}
	if begun {
		words = append(words, word.String())
	}
	if quote != 0 {
		return strings.Fields(text), false, ""
	}
	if len(words) == 0 {
		return nil, false, "it is empty"
	}
	return words, quoted, ""
}

// disabledEntry reads an entry that stands behind a comment sign: "#ftp stream tcp …", "#<off># ftp …", "#disabled#ftp …".
func disabledEntry(l line) (*inetdEntry, bool) {
	text := strings.TrimSpace(l.text)
	marker, rest := "#", strings.TrimLeft(text, "#")
	for _, m := range []string{"<off>#", "disabled#", "OFF#"} {
		if after, ok := strings.CutPrefix(rest, m); ok {
			marker, rest = "#"+m, strings.TrimLeft(after, "#")
		}
	}
	words, quoted, bad := shellWords(rest)
	if bad != "" || len(words) < 6 || !isSocketType(words[1]) || !isWait(words[3]) || strings.ContainsAny(words[0], "<>(),=;") || !isServer(words[5]) {
		return nil, false
	}
	return &inetdEntry{at: l, lines: []origin{l}, fields: words, quoted: quoted, disabled: true, marker: marker}, true
}

func isWait(word string) bool {
	word = strings.ToLower(word)
	return strings.HasPrefix(word, "wait") || strings.HasPrefix(word, "nowait") || word == "swait" || word == "src"
}

// isServer tells a program from a word of prose.
func isServer(word string) bool {
	return strings.HasPrefix(strings.TrimPrefix(word, "?"), "/") || word == "internal"
}

// isKeyed reports whether a line begins one of NetBSD's key = value entries: "ftp on protocol = tcp, …;".
func isKeyed(text string) bool {
	words := strings.Fields(text)
	if len(words) < 2 || words[0][0] == '#' {
		return false
	}
	return words[1] == "on" || words[1] == "off"
}

// parseKeyed reads "SERVICE on|off KEY = VALUE …, KEY = VALUE …;", over as many lines as it takes. Comments may stand between.
func parseKeyed(lines []line) (e *inetdEntry, used int) {
	words := strings.Fields(lines[0].text)
	e = &inetdEntry{at: lines[0], fields: words[:1], on: words[1] == "on"}
	_, rest, _ := strings.Cut(lines[0].text, words[0])
	_, rest, _ = strings.Cut(rest, words[1])
	s := keyedScanner{e: e}
	for used = 0; used < len(lines) && !s.done; used++ {
		if used > 0 {
			rest = lines[used].text
			if beginsEntry(rest) {
				break // the semicolon was forgotten
			}
		}
		e.lines = append(e.lines, lines[used])
		s.line(lines[used], rest)
	}
	if !s.done && e.bad == "" {
		e.bad = "the semicolon at its end is missing"
	}
	if s.left != "" {
		e.bad = fmt.Sprintf("%q stands behind its semicolon; write it on a line of its own", excerpt(s.left))
	}
	return e, used
}

// beginsEntry reports whether a line is the first of an entry.
func beginsEntry(text string) bool {
	words := strings.Fields(text)
	return len(words) > 1 && (isKeyed(text) || len(words) > 5 && isSocketType(words[1]) || words[0] == ".include")
}

// keyedScanner reads the options line by line.
type keyedScanner struct {
	e    *inetdEntry
	kv   *keyValue // being read; nil: a key comes next
	eq   bool      // its = has been seen
	done bool
	left string // what stands behind the semicolon
}

func (s *keyedScanner) line(l line, text string) {
	for text != "" && !s.done {
		text = strings.TrimLeft(text, " \t")
		switch {
		case text == "" || text[0] == '#':
			return
		case text[0] == ',' || text[0] == ';':
			s.end()
			s.done = text[0] == ';'
			text = text[1:]
		case text[0] == '=' && s.kv != nil && !s.eq:
			s.eq = true
			text = text[1:]
		default:
			var word string
			word, text = s.word(text)
			s.take(l, word)
		}
	}
	if s.done {
		s.left = strings.TrimSpace(text)
		if strings.HasPrefix(s.left, "#") {
			s.left = ""
		}
	}
}

func (s *keyedScanner) end() {
	if s.kv != nil {
		s.e.keys = append(s.e.keys, *s.kv)
	}
	s.kv, s.eq = nil, false
}

func (s *keyedScanner) take(l line, word string) {
	switch {
	case s.kv == nil:
		s.kv = &keyValue{origin: l, key: strings.ToLower(word)}
	case !s.eq:
		s.bad(fmt.Sprintf("%q lacks its =", excerpt(s.kv.key)))
	default:
		s.kv.values = append(s.kv.values, word)
	}
}

func (s *keyedScanner) bad(why string) {
	if s.e.bad == "" {
		s.e.bad = why
	}
}

// word reads a key or a value, which may be in quotes, with escapes.
func (s *keyedScanner) word(text string) (word, rest string) {
	var b strings.Builder
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == '"' || c == '\'':
			n := s.quotes(&b, text[i:])
			i += n
		case strings.IndexByte(" \t,;#", c) >= 0 || c == '=' && !s.eq:
			return b.String(), text[i:]
		default:
			b.WriteByte(c)
			i++
		}
	}
	return b.String(), ""
}

// quotes reads a quoted piece and returns its length.
func (s *keyedScanner) quotes(b *strings.Builder, text string) int {
	escapes := map[byte]byte{'\\': '\\', 'n': '\n', 't': '\t', 'r': '\r', '\'': '\'', '"': '"'}
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == text[0]:
			return i + 1
		case text[i] != '\\' || i+1 == len(text):
			b.WriteByte(text[i])
		case text[i+1] == 'x' && i+3 < len(text):
			var n byte
			if _, err := fmt.Sscanf(text[i+2:i+4], "%02x", &n); err != nil || n == 0 || n >= 0x80 {
				s.bad("an escape is no character")
			}
			b.WriteByte(n & 0x7f)
			i += 3
		default:
			c, ok := escapes[text[i+1]]
			if !ok {
				s.bad("an escape is unknown")
			}
			b.WriteByte(c)
			i++
		}
	}
	s.bad("a quote is not closed")
	return len(text)
}
