package convert

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// assignment is a line KEY=VALUE of a unit, with the lines that continue it, or a comment, which has no key.
type assignment struct {
	origin
	section string
	key     string
	value   string
	comment string // with its "#"
}

// parseUnit reads systemd.syntax(7). The lines that are none of it are bad.
func parseUnit(lines []line) (all []assignment, bad []line) {
	section := ""
	for i := 0; i < len(lines); i++ {
		l := lines[i]
		text := strings.TrimSpace(l.text)
		switch {
		case text == "":
			continue
		case text[0] == '#' || text[0] == ';':
			all = append(all, assignment{origin: l, section: section, comment: comment("#" + text[1:])})
			continue
		case text[0] == '[' && text[len(text)-1] == ']':
			section = text[1 : len(text)-1]
			continue
		}
		parts := []string{strings.TrimSuffix(text, `\`)}
		for last := text; strings.HasSuffix(last, `\`) && i+1 < len(lines); {
			i++
			next := strings.TrimSpace(lines[i].text)
			if next != "" && (next[0] == '#' || next[0] == ';') { // comments may stand between
				all = append(all, assignment{origin: lines[i], section: section, comment: comment("#" + next[1:])})
				continue
			}
			last = next
			parts = append(parts, strings.TrimSuffix(next, `\`))
		}
		text = strings.Join(parts, " ")
		key, value, ok := strings.Cut(text, "=")
		if !ok {
			bad = append(bad, l)
			continue
		}
		all = append(all, assignment{origin: line{l.Place, text}, section: section, key: strings.TrimSpace(key), value: strings.TrimSpace(value)})
	}
	return all, bad
}

// unit is a unit file with its drop-ins.
type unit struct {
	name  string // ssh.socket
	path  string
	lines []assignment
	keys  map[unitKey][]assignment // of each key the lines that count
	files map[fileID]bool          // what it was read from
}

type unitKey struct{ section, key string }

// add takes the lines of a file. An empty value takes those before it away.
func (u *unit) add(lines []assignment) {
	u.lines = append(u.lines, lines...)
	for _, a := range lines {
		key := unitKey{a.section, a.key}
		if a.value == "" {
			delete(u.keys, key)
		} else {
			u.keys[key] = append(u.keys[key], a)
		}
	}
}

// list are the values of a key that may stand several times.
func (u *unit) list(section, key string) []assignment { return u.keys[unitKey{section, key}] }

// last is the value of a key of which the last one counts.
func (u *unit) last(section, key string) (assignment, bool) {
	if all := u.list(section, key); len(all) > 0 {
		return all[len(all)-1], true
	}
	return assignment{}, false
}

// standard are systemd's folders of units, the first of them first.
var standard = []string{"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"}

// folders are where a unit is looked for that belongs to one in the given folder.
func (r *reader) folders(beside string) []string {
	all := []string{beside}
	for _, folder := range standard {
		all = append(all, r.absolute(folder))
	}
	if abs, err := filepath.Abs(beside); err != nil || !slices.ContainsFunc(all[1:], func(f string) bool { f, err := filepath.Abs(f); return err == nil && f == abs }) {
		return all[:1]
	}
	return all
}

// unit reads a unit of one of the folders, nil if it is in none of them. What cannot be read is remarked on.
func (u *systemd) unit(name string, in []string) *unit {
	for _, folder := range in {
		path := filepath.Join(folder, name)
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			continue
		}
		found := &unit{name: name, path: path, keys: make(map[unitKey][]assignment), files: make(map[fileID]bool)}
		u.read(found, path)
		for _, folder := range in {
			drops, _ := filepath.Glob(filepath.Join(folder, escapeGlob(name)+".d", "*.conf")) // the pattern is well formed
			slices.Sort(drops)
			for _, drop := range drops {
				u.read(found, drop)
			}
		}
		return found
	}
	return nil
}

func escapeGlob(name string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(name)
}

// read adds a file to a unit. Several sockets may have one service.
func (u *systemd) read(to *unit, path string) {
	src, id, err := u.file(path)
	if to.files[id] {
		return // the same folder by another name
	}
	to.files[id] = true
	if errors.Is(err, errTwice) {
		to.add(u.known[id])
		return
	}
	if err != nil {
		u.fail(Place{File: path}, "Cannot read %s: %s.", path, because(err))
		return
	}
	all, bad := parseUnit(src.lines)
	for _, l := range bad {
		u.remark(l.Place, "systemd ignores this line: it has no =.")
	}
	u.known[id] = all
	to.add(all)
}

// errWords is what is wrong with a value that is made of words.
var errWords = errors.New("a quote is not closed, or an escape is unknown")

// unitWords parts a value as systemd.service(5) says of command lines: blanks part words, quotes keep them together, and C's escapes count.
func unitWords(text string) ([]string, error) {
	var words []string
	var b strings.Builder
	var quote byte
	begun := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
			n, err := unescape(&b, text[i+1:])
			if err != nil {
				return nil, err
			}
			i += n
			begun = true
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			b.WriteByte(c)
		case c == '"' || c == '\'':
			if begun && b.Len() > 0 {
				b.WriteByte(c) // inside a word it is one
				continue
			}
			quote, begun = c, true
		case c == ' ' || c == '\t':
			if begun {
				words = append(words, b.String())
				b.Reset()
				begun = false
			}
		default:
			b.WriteByte(c)
			begun = true
		}
	}
	if quote != 0 {
		return nil, errWords
	}
	if begun {
		words = append(words, b.String())
	}
	return words, nil
}

// unescape reads what stands behind a backslash, and returns its length.
func unescape(b *strings.Builder, text string) (int, error) {
	if text == "" {
		return 0, errWords
	}
	simple := map[byte]byte{'a': 7, 'b': 8, 'f': 12, 'n': 10, 'r': 13, 't': 9, 'v': 11, '\\': '\\', '"': '"', '\'': '\'', 's': ' ', ' ': ' ', ';': ';', '$': '$'}
	if c, ok := simple[text[0]]; ok {
		b.WriteByte(c)
		return 1, nil
	}
	width, format := 0, ""
	switch text[0] {
	case 'x':
		width, format = 2, "%02x"
	case 'u':
		width, format = 4, "%04x"
	case 'U':
		width, format = 8, "%08x"
	default:
		return 0, errWords
	}
	var n rune
	if len(text) <= width {
		return 0, errWords
	}
	if _, err := fmt.Sscanf(text[1:1+width], format, &n); err != nil || n <= 0 || n > 0x10ffff {
		return 0, errWords
	}
	b.WriteRune(n)
	return 1 + width, nil
}
