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
}

// NewJudge makes a Judge.
func NewJudge() *Judge {
	l := newLoader(Options{Portable: true})
	return &Judge{base: l.base(), scope: l.scope(nil)}
}

// Objection is why the attribute cannot have this value, written as HCL, in the given place: a sentence or two. It is "" if it can.
func (j *Judge) Objection(name, value string, in Where) string {
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
