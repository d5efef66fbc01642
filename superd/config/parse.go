package config

import (
	"bytes"
	"cmp"
	"fmt"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
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
	parts []part
	attrs hclsyntax.Attributes // of the top level
	torn  bool                 // has syntax errors: what they leave is checked and not used
}

// part is a chunk of a file, parsed, or known from an earlier load and not parsed again.
type part struct {
	chunk
	known    *known
	body     *hclsyntax.Body // nil if there are problems
	problems hcl.Diagnostics
}

// folder is where relative paths in the file start.
func (f *source) folder() string { return filepath.Dir(f.abs) }

// parse fills parts, attrs and torn, and reports syntax errors. What memory knows is not parsed.
func (f *source) parse(m *memory, to *Diagnostics) {
	chunks, ok := split(f.text, afterBlocks)
	if !ok {
		if at, deep := nested(f.text, f.name); deep {
			to.errorf(at, "Nested too deep", "At most %d brackets or operators may stand inside one another.", maxNesting)
			f.torn = true
			return
		}
		chunks = []chunk{{f.text, hcl.InitialPos}}
	}
	problems := f.parseEach(chunks, m)
	if len(problems) > 0 && ok {
		// Once more line by line, so that an error does not hide what follows it.
		chunks, _ = split(f.text, afterLines)
		problems = f.parseEach(chunks, nil)
	}
	f.torn = len(problems) > 0
	for _, p := range firstOfEach(problems, f.text) {
		summary, at, detail := explain(p, f.text)
		to.errorf(at, summary, "%s", detail)
	}
}

// parseEach makes the parts of the file, and collects the attributes of its top level.
func (f *source) parseEach(chunks []chunk, m *memory) (problems hcl.Diagnostics) {
	f.parts = make([]part, len(chunks))
	for i, c := range chunks {
		f.parts[i] = part{chunk: c, known: m.recall(f, c.text)}
	}
	sideBySide(f.parts, func(p *part) { p.parse(f.name) })
	f.attrs = make(hclsyntax.Attributes)
	for _, p := range f.parts {
		problems = append(problems, p.problems...)
		if p.body != nil {
			problems = append(problems, f.join(p.body.Attributes)...)
		}
	}
	return problems
}

func (p *part) parse(name string) {
	if p.known != nil {
		return
	}
	file, problems := hclsyntax.ParseConfig(p.text, name, p.start)
	if p.problems = problems; len(problems) == 0 {
		p.body = file.Body.(*hclsyntax.Body)
	}
}

// sideBySide calls do for each part, on all processors where that is worth while.
func sideBySide(parts []part, do func(*part)) {
	const worthIt = 64
	if len(parts) < worthIt {
		for i := range parts {
			do(&parts[i])
		}
		return
	}
	var next atomic.Int64
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(parts)); i = next.Add(1) - 1 {
				do(&parts[i])
			}
		})
	}
	all.Wait()
}

// join adds the top-level attributes of a part. Within one part the parser sees to it that none stands twice.
func (f *source) join(attrs hclsyntax.Attributes) (problems hcl.Diagnostics) {
	for name, a := range attrs {
		if first, twice := f.attrs[name]; twice {
			problems = append(problems, &hcl.Diagnostic{
				Severity: hcl.DiagError, Subject: &a.NameRange, Summary: "Attribute redefined",
				Detail: fmt.Sprintf("%q is already set on line %d.", name, first.NameRange.Start.Line),
			})
			continue
		}
		f.attrs[name] = a
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
