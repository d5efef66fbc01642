package config

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Judge says what is wrong with single values, for who writes configurations: the converter. It knows of the machine no more than
// Options.Portable does. It belongs to one goroutine.
type Judge struct {
	base  *spec
	scope *hcl.EvalContext
	known map[verdict]string // what was asked before, for most values come again and again
}

type verdict struct {
	name, value string
	in          Where
}

const (
	maxVerdicts = 10_000
	maxVerdict  = 200 // bytes of a value that is kept
)

// NewJudge makes a Judge.
func NewJudge() *Judge {
	l := newLoader(Options{Portable: true})
	return &Judge{base: l.base(), scope: l.scope(nil), known: make(map[verdict]string)}
}

// Objection is why the attribute cannot have this value, written as HCL, in the given place: a sentence or two. It is "" if it can.
func (j *Judge) Objection(name, value string, in Where) string {
	v := verdict{name, value, in}
	why, known := j.known[v]
	if !known {
		why = j.objection(name, value, in)
		if len(value) <= maxVerdict && len(j.known) < maxVerdicts {
			j.known[v] = why
		}
	}
	return why
}

func (j *Judge) objection(name, value string, in Where) string {
	a, known := Lookup(name)
	if !known {
		if why, ok := unavailable[name]; ok {
			return why
		}
		return "superd has no attribute of this name."
	}
	if a.Where&in == 0 {
		return "In superd it belongs to " + a.Where.String() + "."
	}
	l := newLoader(Options{Portable: true})
	e, problems := hclsyntax.ParseExpression([]byte(value), name, hcl.InitialPos)
	if problems.HasErrors() {
		return problems[0].Detail
	}
	scope := noVariables
	if in == InService {
		scope = j.scope
	}
	s, service := *j.base, *j.base.Service
	s.Service = &service
	s.src = &source{name: name, abs: "/" + name, text: []byte(value)}
	attr := &hclsyntax.Attribute{Name: name, Expr: e, SrcRange: e.Range(), NameRange: e.Range()}
	l.assign(&s, a, attr, in, scope)
	l.diags.finish()
	for _, p := range l.diags.problems {
		if p.Severity == Error {
			return p.Detail
		}
	}
	return ""
}
