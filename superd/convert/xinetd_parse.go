package convert

import (
	"fmt"
	"strings"
)

// entry is a service, defaults, include or includedir of xinetd.conf(5).
type entry struct {
	keyword string // lower case; "" for a line that is none of them
	name    string
	at      origin
	before  []row // the comments above
	lines   []setting
	lost    string // why xinetd left the whole entry out; "" if it did not
	lostAt  origin
}

// setting is a line between the braces: an attribute, or a comment or blank line, which have no name.
type setting struct {
	origin
	comment string // with its "#"
	name    string // lower case
	op      string // "=", "+=" or "-="
	values  []string
	bad     string // why it is none
}

func (s *setting) isRemark() bool { return s.name == "" && s.bad == "" }

// xinetdParser reads one file. What xinetd would skip is read as well, and marked as lost.
type xinetdParser struct {
	entries []*entry
	pending []row  // comments that belong to what follows
	lost    string // why xinetd skips what comes now, to the next closing brace
	lostAt  origin
	entry   *entry // being read
	opened  bool   // its brace has been seen
}

// parseXinetd reads the lines of a file; the comments below the last entry are after.
func parseXinetd(lines []line) (entries []*entry, after []row) {
	var p xinetdParser
	for i, l := range lines {
		p.line(l, lines[i+1:])
	}
	if p.entry != nil {
		p.losing(p.entry, p.entry.at, "it has no closing brace")
		p.close()
	}
	return p.entries, trimBlank(p.pending)
}

func (p *xinetdParser) line(l line, rest []line) {
	text := strings.TrimSpace(l.text)
	switch {
	case p.entry != nil && p.opened:
		p.inside(l, text, rest)
	case text == "":
		p.pending = append(p.pending, row{})
	case text[0] == '#':
		p.pending = append(p.pending, row{comment: comment(text), from: []origin{l}})
	case p.entry != nil:
		p.brace(l, text)
	default:
		p.outside(l, text)
	}
}

// comment is a source's comment as one of HCL.
func comment(text string) string {
	parts := strings.Split(strings.TrimRight(text[1:], " \t\r\f\v"), "\t")
	for i, p := range parts {
		parts[i] = oneLine(p)
	}
	return "#" + strings.Join(parts, "\t")
}

// outside reads a line that stands in no entry.
func (p *xinetdParser) outside(l line, text string) {
	words := strings.Fields(text)
	keyword := strings.ToLower(words[0])
	switch {
	case keyword == "defaults" || keyword == "service" && len(words) > 1:
		p.begin(l, keyword, words)
	case (keyword == "include" || keyword == "includedir") && len(words) > 1:
		e := &entry{keyword: keyword, name: words[1], at: l, before: p.pending, lost: p.lost, lostAt: p.lostAt}
		p.entries, p.pending = append(p.entries, e), nil
	case text == "}" && p.lost != "":
		p.lost = ""
	default:
		note := "# " // the lines below the first of them
		if p.lost == "" {
			note = mark + "not read by xinetd: "
			p.skip(l, fmt.Sprintf("%q begins no entry", excerpt(text)))
			p.entries = append(p.entries, &entry{keyword: "", name: p.lost, at: l})
		}
		p.pending = append(p.pending, row{comment: note + oneLine(text), from: []origin{l}})
	}
}

// skip notes that xinetd reads nothing more before the next closing brace.
func (p *xinetdParser) skip(l line, why string) { p.lost, p.lostAt = why, l }

func (p *xinetdParser) begin(l line, keyword string, words []string) {
	e := &entry{keyword: keyword, at: l, before: trimBlank(p.pending), lost: p.lost, lostAt: p.lostAt}
	p.entry, p.pending, p.opened = e, nil, false
	rest := words[1:]
	if keyword == "service" {
		e.name, rest = words[1], words[2:]
		if name, ok := strings.CutSuffix(e.name, "{"); ok && name != "" {
			e.name, rest = name, []string{"{"}
		}
	}
	if len(rest) > 0 && rest[0] == "{" {
		p.losing(e, l, "the { must stand alone on the next line")
		p.opened = true
	}
}

// losing marks an entry as left out by xinetd, for the first of the reasons.
func (p *xinetdParser) losing(e *entry, at origin, why string) {
	if e.lost == "" {
		e.lost, e.lostAt = why, at
	}
}

// brace reads the line after that of service or defaults.
func (p *xinetdParser) brace(l line, text string) {
	p.entry.before = append(p.entry.before, trimBlank(p.pending)...)
	p.pending, p.opened = nil, true
	if text == "{" {
		return
	}
	p.losing(p.entry, l, "the { must stand alone on the next line")
	if rest, ok := strings.CutPrefix(text, "{"); ok {
		p.inside(line{l.Place, rest}, strings.TrimSpace(rest), nil)
		return
	}
	p.close()
	p.skip(l, "the entry above has no {")
	p.outside(l, text)
}

// inside reads a line between the braces.
func (p *xinetdParser) inside(l line, text string, rest []line) {
	words := strings.Fields(text)
	switch {
	case text == "":
		p.entry.lines = append(p.entry.lines, setting{origin: l})
	case text[0] == '#':
		p.entry.lines = append(p.entry.lines, setting{origin: l, comment: comment(text)})
	case text == "}":
		p.lost = ""
		p.close()
	case text[0] == '}':
		p.losing(p.entry, l, "the } must stand alone on its line")
		p.close()
		p.skip(l, "the } above does not stand alone on its line")
	case len(words) <= 3 && isEntry(words) && opens(words, rest):
		p.losing(p.entry, p.entry.at, "it has no closing brace")
		p.close()
		p.skip(l, "the entry above has no closing brace")
		p.outside(l, text)
	default:
		s := parseSetting(l, text)
		if s.bad != "" {
			p.losing(p.entry, l, s.bad)
		}
		p.entry.lines = append(p.entry.lines, s)
	}
}

// isEntry reports whether the words are the head of an entry.
func isEntry(words []string) bool {
	keyword := strings.ToLower(words[0])
	return keyword == "service" && len(words) > 1 && words[1] != "=" || keyword == "defaults" && (len(words) == 1 || words[1] == "{")
}

// opens reports whether the line, or the next one that says anything, opens a brace.
func opens(words []string, rest []line) bool {
	if words[len(words)-1] == "{" {
		return true
	}
	for _, l := range rest {
		if text := strings.TrimSpace(l.text); text != "" && text[0] != '#' {
			return text[0] == '{'
		}
	}
	return false
}

func (p *xinetdParser) close() {
	e := p.entry
	for n := len(e.lines); n > 0 && e.lines[n-1].isRemark() && e.lines[n-1].comment == ""; n = len(e.lines) {
		e.lines = e.lines[:n-1]
	}
	p.entries, p.entry, p.opened = append(p.entries, e), nil, false
}

// parseSetting reads "name = value value". A blank must stand before the operator and need not stand behind it.
func parseSetting(l line, text string) setting {
	s := setting{origin: l}
	i := strings.IndexAny(text, " \t\r\f\v=")
	if i < 0 {
		s.bad = fmt.Sprintf("%q has no operator", excerpt(text))
		return s
	}
	s.name = strings.ToLower(text[:i])
	rest := strings.TrimSpace(text[i:])
	if text[i] == '=' {
		s.bad = fmt.Sprintf("%q lacks the blank before its operator", excerpt(text))
		s.name = strings.TrimRight(s.name, "+-")
	}
	for _, op := range []string{"=", "+=", "-="} {
		if after, ok := strings.CutPrefix(rest, op); ok {
			s.op, s.values = op, strings.Fields(after)
			return s
		}
	}
	s.bad, s.name = fmt.Sprintf("%q has no operator", excerpt(text)), ""
	return s
}

// trimBlank leaves out the blank lines at the beginning and the end.
func trimBlank(rows []row) []row {
	for len(rows) > 0 && rows[0].isBlank() {
		rows = rows[1:]
	}
	for len(rows) > 0 && rows[len(rows)-1].isBlank() {
		rows = rows[:len(rows)-1]
	}
	return rows
}
