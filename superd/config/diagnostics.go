package config

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
)

const (
	maxKept    = 10_000 // problems kept; the rest is counted
	maxPrinted = 100    // problems that Write and JSON show
)

// Severity says whether a Problem stands in the way of a Config.
type Severity string

// An Error means that there is no Config; a Warning may accompany one.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Problem is one thing that is wrong in a file. Lines and columns count from 1; Line 0 means the file as a whole.
// EndColumn is the column after the last character.
type Problem struct {
	Severity  Severity `json:"severity"`
	File      string   `json:"file"`
	Line      int      `json:"line"`
	Column    int      `json:"column"`
	EndLine   int      `json:"end_line"`
	EndColumn int      `json:"end_column"`
	Summary   string   `json:"summary"`
	Detail    string   `json:"detail"`

	start, end int // byte offsets in the file
}

// Position is FILE:LINE,COL-COL, FILE:LINE,COL-LINE,COL, or FILE alone.
func (p Problem) Position() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.Line == p.EndLine:
		return fmt.Sprintf("%s:%d,%d-%d", p.File, p.Line, p.Column, p.EndColumn)
	default:
		return fmt.Sprintf("%s:%d,%d-%d,%d", p.File, p.Line, p.Column, p.EndLine, p.EndColumn)
	}
}

// String is the problem on one line, for a log.
func (p Problem) String() string {
	return clean(fmt.Sprintf("%s: %s: %s: %s", p.Position(), p.Severity, p.Summary, p.Detail))
}

// Diagnostics is everything that was found wrong in one load, sorted by file (in the order they were read) and line.
// It is not changed after Load or Format returned it, and may then be read concurrently.
type Diagnostics struct {
	problems []Problem
	omitted  int // beyond maxKept
	errors   int
	files    map[string]*source
	seen     map[Problem]struct{} // what stands in defaults is wrong for many services and said once
	reports  int                  // with those that were said before
}

func newDiagnostics() *Diagnostics {
	return &Diagnostics{files: make(map[string]*source), seen: make(map[Problem]struct{})}
}

// HasErrors reports whether there is an Error among the problems.
func (d *Diagnostics) HasErrors() bool { return d.errors > 0 }

// Len is the number of problems, warnings included.
func (d *Diagnostics) Len() int { return len(d.problems) + d.omitted }

// Problems is what was found, at most 10,000 of it.
func (d *Diagnostics) Problems() []Problem { return slices.Clone(d.problems) }

func (d *Diagnostics) add(s Severity, at hcl.Range, summary, detail string) {
	d.reports++
	p := Problem{
		Severity: s, File: at.Filename, Summary: summary, Detail: detail,
		Line: at.Start.Line, Column: at.Start.Column, EndLine: at.End.Line, EndColumn: at.End.Column,
		start: at.Start.Byte, end: at.End.Byte,
	}
	if _, again := d.seen[p]; again {
		return
	}
	if s == Error {
		d.errors++
	}
	if len(d.problems) >= maxKept {
		d.omitted++
		return
	}
	d.seen[p] = struct{}{}
	d.problems = append(d.problems, p)
}

func (d *Diagnostics) errorf(at hcl.Range, summary, format string, args ...any) {
	d.add(Error, at, summary, fmt.Sprintf(format, args...))
}

func (d *Diagnostics) warnf(at hcl.Range, summary, format string, args ...any) {
	d.add(Warning, at, summary, fmt.Sprintf(format, args...))
}

// finish sorts, and lets go of all that no excerpt needs.
func (d *Diagnostics) finish() {
	slices.SortStableFunc(d.problems, func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(d.order(a.File), d.order(b.File)),
			cmp.Compare(a.File, b.File),
			cmp.Compare(a.start, b.start),
			cmp.Compare(a.Summary, b.Summary),
		)
	})
	needed := make(map[string]*source)
	for _, p := range d.problems {
		if f := d.files[p.File]; f != nil {
			f.parts, f.attrs = nil, nil
			needed[p.File] = f
		}
	}
	d.files, d.seen = needed, nil
}

func (d *Diagnostics) order(file string) int {
	if f := d.files[file]; f != nil {
		return f.order
	}
	return -1
}
