package config

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// widest is how much of a line an excerpt shows, in characters.
const widest = 160

// Write prints each problem with the line it stands on and carets below the words in question:
//
//	conf.d/ftp.hcl:5,3-9: error: Unknown attribute
//	  5 |   servre = "/usr/sbin/vsftpd"
//	    |   ^^^^^^
//	  There is no attribute "servre". Did you mean "server"?
//
// At most 100 problems are printed; the rest is counted.
func (d *Diagnostics) Write(w io.Writer) error {
	b := bufio.NewWriter(w)
	for i, p := range d.problems {
		if i == maxPrinted {
			break
		}
		fmt.Fprintf(b, "%s: %s: %s\n", clean(p.Position()), p.Severity, p.Summary)
		b.WriteString(d.Body(p))
	}
	if more := d.Len() - maxPrinted; more > 0 {
		fmt.Fprintf(b, "… and %d more\n", more)
	}
	return b.Flush()
}

// Body is what Write prints below the first line of p, one of d's problems: the excerpt with its carets, and the detail.
func (d *Diagnostics) Body(p Problem) string {
	body := d.excerpt(p)
	if p.Detail != "" {
		body += "  " + clean(p.Detail) + "\n"
	}
	return body
}

// JSON prints {"errors": n, "problems": [Problem, …], "omitted": n}, at most 100 problems.
func (d *Diagnostics) JSON(w io.Writer) error {
	shown := d.problems[:min(len(d.problems), maxPrinted)]
	if shown == nil {
		shown = []Problem{}
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(struct {
		Errors   int       `json:"errors"`
		Problems []Problem `json:"problems"`
		Omitted  int       `json:"omitted"`
	}{d.errors, shown, d.Len() - len(shown)})
}

// excerpt is the problem's first line and a line of carets, or "" where there is no text to show.
func (d *Diagnostics) excerpt(p Problem) string {
	f := d.files[p.File]
	if f == nil || p.Line == 0 || p.start > len(f.text) {
		return ""
	}
	line, start := lineAt(f.text, p.start)
	end := min(max(p.end, p.start)-p.start+start, len(line))
	before, marked, after := printable(line[:start]), printable(line[start:end]), printable(line[end:])
	if n := len(before) + len(marked); n > widest {
		before, marked = before[max(0, len(before)-widest/2):], marked[:min(len(marked), widest/2)]
	}
	after = after[:min(len(after), max(0, widest-len(before)-len(marked)))]
	number := fmt.Sprint(p.Line)
	return fmt.Sprintf("  %s | %s%s%s\n  %s | %s%s\n",
		number, string(before), string(marked), string(after),
		strings.Repeat(" ", len(number)), blank(before), strings.Repeat("^", max(1, columns(marked))))
}

// lineAt returns the line of text that holds the offset, and the offset in that line.
func lineAt(text []byte, offset int) ([]byte, int) {
	from := bytes.LastIndexByte(text[:offset], '\n') + 1
	to := len(text)
	if n := bytes.IndexByte(text[offset:], '\n'); n >= 0 {
		to = offset + n
	}
	line := bytes.TrimSuffix(text[from:to], []byte("\r"))
	return line, min(offset-from, len(line))
}

// printable keeps a file's bytes from reaching the terminal as anything but text.
func printable(b []byte) []rune {
	r := make([]rune, 0, min(len(b), 4*widest))
	for len(b) > 0 && len(r) < 4*widest {
		c, n := utf8.DecodeRune(b)
		b = b[n:]
		if c != '\t' && !unicode.IsPrint(c) {
			c = '\uFFFD'
		}
		r = append(r, c)
	}
	return r
}

// blank is as wide as r on a terminal: tabs stay tabs.
func blank(r []rune) string {
	var b strings.Builder
	for _, c := range r {
		switch {
		case c == '\t':
			b.WriteByte('\t')
		case !unicode.Is(unicode.Mn, c):
			b.WriteByte(' ')
		}
	}
	return b.String()
}

func columns(r []rune) int {
	n := 0
	for _, c := range r {
		if !unicode.Is(unicode.Mn, c) {
			n++
		}
	}
	return n
}

// clean makes one line of printable text of s.
func clean(s string) string {
	return strings.Map(func(c rune) rune {
		if c == '\n' || c == '\t' {
			return ' '
		}
		if !unicode.IsPrint(c) {
			return '\uFFFD'
		}
		return c
	}, s)
}
