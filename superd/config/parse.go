package config

import (
	"bytes"
	"cmp"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// source is one file of the configuration.
type source struct {
	name  string // as it was asked for, shown to the author
	abs   string
	order int // in which it was read
	text  []byte
	body  *hclsyntax.Body
	torn  bool // has syntax errors: what they leave is checked and not used
}

// folder is where relative paths in the file start.
func (f *source) folder() string { return filepath.Dir(f.abs) }

// parse fills body and torn, and reports syntax errors.
func (f *source) parse(to *Diagnostics) {
	f.body = &hclsyntax.Body{Attributes: make(hclsyntax.Attributes)}
	chunks, ok := split(f.text, chunkSize)
	if !ok {
		if at, deep := nested(f.text, f.name); deep {
			to.errorf(at, "Nested too deep", "At most %d brackets or operators may stand inside one another.", maxNesting)
			f.torn = true
			return
		}
		chunks = []chunk{{f.text, hcl.InitialPos}}
	}
	problems := f.parseEach(chunks)
	if len(problems) > 0 && ok {
		// Once more block by block, so that an error does not hide what follows it.
		f.body = &hclsyntax.Body{Attributes: make(hclsyntax.Attributes)}
		chunks, _ = split(f.text, 0)
		problems = f.parseEach(chunks)
	}
	f.torn = len(problems) > 0
	for _, p := range firstOfEach(problems, f.text) {
		summary, at, detail := explain(p, f.text)
		to.errorf(at, summary, "%s", detail)
	}
}

// parseEach adds the bodies of the chunks that have no syntax error.
func (f *source) parseEach(chunks []chunk) (problems hcl.Diagnostics) {
	for _, c := range chunks {
		file, p := hclsyntax.ParseConfig(c.text, f.name, c.start)
		if len(p) == 0 {
			p = f.join(file.Body.(*hclsyntax.Body))
		}
		problems = append(problems, p...)
	}
	return problems
}

// join adds a chunk's body. Within one chunk the parser sees to it that no attribute stands twice.
func (f *source) join(part *hclsyntax.Body) (problems hcl.Diagnostics) {
	f.body.Blocks = append(f.body.Blocks, part.Blocks...)
	for name, a := range part.Attributes {
		if first, twice := f.body.Attributes[name]; twice {
			problems = append(problems, &hcl.Diagnostic{
				Severity: hcl.DiagError, Subject: &a.NameRange, Summary: "Attribute redefined",
				Detail: fmt.Sprintf("%q is already set on line %d.", name, first.NameRange.Start.Line),
			})
			continue
		}
		f.body.Attributes[name] = a
	}
	return problems
}

// topLevel is a line on which something begins that stands in nothing else.
var topLevel = regexp.MustCompile(`(?m)^(service|defaults|superd|include)\b`)

// firstOfEach leaves of several syntax errors between two top-level lines the first: the others mostly follow from it.
// A quote that is not closed swallows all the rest of the file, which is then one region.
func firstOfEach(problems hcl.Diagnostics, text []byte) []*hcl.Diagnostic {
	problems = slices.DeleteFunc(problems, func(p *hcl.Diagnostic) bool { return p.Subject == nil })
	slices.SortStableFunc(problems, func(a, b *hcl.Diagnostic) int { return cmp.Compare(a.Subject.Start.Byte, b.Subject.Start.Byte) })
	var first []*hcl.Diagnostic
	next := 0 // where the following region begins
	for _, p := range problems {
		at := min(p.Subject.Start.Byte, len(text))
		if at < next {
			continue
		}
		first = append(first, p)
		if p.Summary == unclosedQuote {
			break
		}
		next = len(text) + 1
		if m := topLevel.FindIndex(text[at:]); m != nil && m[0] > 0 {
			next = at + m[0]
		} else if m != nil {
			if m := topLevel.FindIndex(text[at+m[1]:]); m != nil {
				next = at + m[1] + m[0]
			}
		}
	}
	return first
}

// unclosedQuote is the parser's summary of a string that runs into the end of its line.
const unclosedQuote = "Invalid multi-line string"

var (
	assignment = regexp.MustCompile(`^\s*([A-Za-z_]+)\s*([+-]?)=`)
	directive  = regexp.MustCompile(`^\s*(includedir|include)\s+"?([^\s"=]+)`)
)

// explain is the parser's explanation, or one for what people write who are used to xinetd.conf.
func explain(p *hcl.Diagnostic, text []byte) (summary string, at hcl.Range, detail string) {
	at = *p.Subject
	line, offset := lineAt(text, min(at.Start.Byte, len(text)))
	switch p.Summary {
	case unclosedQuote:
		return "Quote not closed", openingQuote(at, line, offset), "The text does not end on its line: a quote is missing."
	case "Invalid block definition":
		return p.Summary, at, `The opening brace stands on the line of the name: service "ftp" {`
	}
	if m := directive.FindSubmatch(line); m != nil {
		pattern := string(m[2])
		if string(m[1]) == "includedir" {
			pattern = filepath.Join(pattern, "*.hcl")
		}
		return p.Summary, at, fmt.Sprintf("Write include = [%q].", pattern)
	}
	if m := assignment.FindSubmatch(line); m != nil {
		return p.Summary, at, p.Detail + exampleOf(string(m[1]), len(m[2]) > 0, p.Summary)
	}
	return p.Summary, at, p.Detail
}

// openingQuote is the place of the quote that is not closed, up to the end of its line.
func openingQuote(at hcl.Range, line []byte, offset int) hcl.Range {
	i := bytes.LastIndexByte(line[:offset], '"')
	if i < 0 {
		return at
	}
	at.Start.Column -= utf8.RuneCount(line[i:offset])
	at.Start.Byte -= offset - i
	at.End = at.Start
	at.End.Column += utf8.RuneCount(line[i:])
	at.End.Byte += len(line) - i
	return at
}

// exampleOf says how the attribute is written, where that may be what its author did not know.
func exampleOf(name string, adds bool, summary string) string {
	a, known := Lookup(name)
	switch {
	case !known:
		return ""
	case adds:
		return fmt.Sprintf(` There is no += or -=. To add to what defaults has, write for example %s = concat(defaults.%s, ["…"]).`, a.Name, a.Name)
	case slices.Contains([]string{"Missing newline after argument", "Invalid expression", "Invalid number literal"}, summary):
		return fmt.Sprintf(" Text stands in quotes, a list in brackets with commas, for example %s = %s.", a.Name, a.Example)
	}
	return ""
}
