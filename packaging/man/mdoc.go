package main

import "strings"

// mdoc is the source of a page as it grows.
type mdoc struct{ strings.Builder }

// raw writes one line as it is.
func (m *mdoc) raw(line string) {
	m.WriteString(line)
	m.WriteByte('\n')
}

// macro writes one line that begins with macros and ends with text.
func (m *mdoc) macro(macros, text string) {
	m.raw("." + macros + " " + argument(text))
}

// lineMax is mandoc's advice for lines of text.
const lineMax = 78

// sentences writes running text: a line for each sentence, folded.
func (m *mdoc) sentences(text string) {
	if !strings.HasSuffix(text, ".") {
		text += "."
	}
	for text != "" {
		sentence, rest, more := strings.Cut(text, ". ")
		if more {
			sentence += "."
		}
		m.fold(sentence)
		text = rest
	}
}

func (m *mdoc) fold(sentence string) {
	line := ""
	for _, word := range strings.Fields(sentence) {
		word = escape(word)
		if line != "" && len(line)+1+len(word) > lineMax {
			m.raw(line)
			line = ""
		}
		if line == "" {
			line = guard(word)
		} else {
			line += " " + word
		}
	}
	m.raw(line)
}

// escape makes text stand for itself.
func escape(text string) string {
	return strings.NewReplacer(`\`, `\e`, "\t", `\t`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`, "…", `\&...`).Replace(text)
}

// guard keeps a line of text from being taken for a request.
func guard(line string) string {
	if strings.HasPrefix(line, ".") {
		return `\&` + line
	}
	return line
}

// argument is text as the arguments of a macro, which looks at each word of it: quoted, so that it looks at none.
func argument(text string) string {
	return `"` + strings.ReplaceAll(guard(escape(text)), `"`, `\(dq`) + `"`
}

// example writes one line of a literal display.
func (m *mdoc) example(line string) { m.raw(guard(escape(line))) }
