package config

import (
	"cmp"
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"slices"

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
	sound int // what ends before this offset was understood; math.MaxInt in a file without syntax errors
}

// folder is where relative paths in the file start.
func (f *source) folder() string { return filepath.Dir(f.abs) }

// broken reports whether the file has syntax errors.
func (f *source) broken() bool { return f.sound != math.MaxInt }

// parse fills body and sound, and reports syntax errors.
func (f *source) parse(to *Diagnostics) {
	f.sound, f.body = math.MaxInt, &hclsyntax.Body{Attributes: make(hclsyntax.Attributes)}
	chunks, ok := split(f.text)
	if !ok {
		if at, deep := nested(f.text, f.name); deep {
			to.errorf(at, "Nested too deep", "At most %d brackets or operators may stand inside one another.", maxNesting)
			f.sound = 0
			return
		}
		chunks = []chunk{{f.text, hcl.InitialPos}}
	}
	var problems hcl.Diagnostics
	for _, c := range chunks {
		file, p := hclsyntax.ParseConfig(c.text, f.name, c.start)
		problems = append(problems, p...)
		if body, ok := file.Body.(*hclsyntax.Body); ok {
			problems = append(problems, f.join(body)...)
		}
	}
	for _, p := range firstOfEach(problems, f.text) {
		f.sound = min(f.sound, p.Subject.Start.Byte)
		to.errorf(*p.Subject, p.Summary, "%s", explain(p, f.text))
	}
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
func explain(p *hcl.Diagnostic, text []byte) string {
	line, _ := lineAt(text, min(p.Subject.Start.Byte, len(text)))
	switch p.Summary {
	case unclosedQuote:
		return "The quote is not closed on its line."
	case "Invalid block definition":
		return p.Detail + ` The opening brace stands on the line of the name: service "ftp" {`
	}
	if m := directive.FindSubmatch(line); m != nil {
		pattern := string(m[2])
		if string(m[1]) == "includedir" {
			pattern = filepath.Join(pattern, "*.hcl")
		}
		return fmt.Sprintf("Write include = [%q].", pattern)
	}
	m := assignment.FindSubmatch(line)
	if m == nil {
		return p.Detail
	}
	a, known := Lookup(string(m[1]))
	switch {
	case known && len(m[2]) > 0:
		return fmt.Sprintf(`There is only "=". To add to what defaults has, write for example %s = concat(defaults.%s, ["…"]).`, a.Name, a.Name)
	case known:
		return fmt.Sprintf("%s Text stands in quotes, a list in brackets with commas, for example %s = %s.", p.Detail, a.Name, a.Example)
	}
	return p.Detail
}
