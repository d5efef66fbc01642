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
	f.sound, f.body = math.MaxInt, &hclsyntax.Body{}
	if at, deep := nested(f.text, f.name); deep {
		to.errorf(at, "Nested too deep", "At most %d brackets or operators may stand inside one another.", maxNesting)
		f.sound = 0
		return
	}
	file, problems := hclsyntax.ParseConfig(f.text, f.name, hcl.InitialPos)
	if body, ok := file.Body.(*hclsyntax.Body); ok {
		f.body = body
	}
	for _, p := range firstOfEach(problems, f.text) {
		f.sound = min(f.sound, p.Subject.Start.Byte)
		to.errorf(*p.Subject, p.Summary, "%s", explain(p, f.text))
	}
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

// maxNesting keeps the parser, which calls itself for each bracket and operator, far from the end of its stack.
const maxNesting = 100

// nested finds the place where brackets or operators are nested too deep to be parsed.
func nested(text []byte, name string) (hcl.Range, bool) {
	tokens, _ := hclsyntax.LexConfig(text, name, hcl.InitialPos)
	depth, brackets, chain := 0, 0, 0
	for _, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenOParen, hclsyntax.TokenOBrack:
			depth++
			brackets++
		case hclsyntax.TokenCParen, hclsyntax.TokenCBrack:
			depth--
			brackets--
		case hclsyntax.TokenOBrace, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl, hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc:
			depth++
		case hclsyntax.TokenCBrace, hclsyntax.TokenTemplateSeqEnd, hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc:
			depth--
		case hclsyntax.TokenBang, hclsyntax.TokenMinus, hclsyntax.TokenQuestion:
			chain++
		case hclsyntax.TokenNewline:
			if brackets <= 0 {
				chain = 0
			}
		}
		if depth > maxNesting || chain > maxNesting {
			return t.Range, true
		}
	}
	return hcl.Range{}, false
}
