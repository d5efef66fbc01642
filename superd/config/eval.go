package config

import (
	"bytes"
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

var functions = map[string]function.Function{"concat": stdlib.ConcatFunc}

// noVariables is the scope of everything but a service.
var noVariables = &hcl.EvalContext{Functions: functions}

// base is the spec of the table's own defaults.
func (l *loader) base() *spec {
	s := &spec{Service: new(Service), src: &source{}}
	for i := range Attributes {
		a := &Attributes[i]
		if a.Default == "" {
			continue
		}
		failed := false
		a.set(cell{attr: a, val: defaultValue(a), src: s.src, to: newDiagnostics(), machine: &l.machine, failed: &failed}, s)
		if failed {
			panic("config: the table's default of " + a.Name + " is wrong")
		}
	}
	return s
}

// defaultValue is the value of Attribute.Default. Without one it is an empty list, or null.
func defaultValue(a *Attribute) cty.Value {
	if a.Default == "" {
		if a.isList() {
			return cty.EmptyTupleVal
		}
		return cty.NullVal(cty.DynamicPseudoType)
	}
	e, problems := hclsyntax.ParseExpression([]byte(a.Default), a.Name, hcl.InitialPos)
	if problems.HasErrors() {
		panic("config: the table's default of " + a.Name + " is no HCL")
	}
	v, _ := e.Value(nil)
	return v
}

// decode puts a block's attributes into the spec, in the table's order. It returns their values, cty.DynamicVal for one
// that was refused.
func (l *loader) decode(s *spec, in Where, scope *hcl.EvalContext) map[string]cty.Value {
	var values map[string]cty.Value
	if in == InDefaults {
		values = make(map[string]cty.Value)
	}
	known := 0
	for i := range Attributes {
		a := &Attributes[i]
		attr, ok := s.attrs[a.Name]
		if !ok {
			continue
		}
		known++
		v := cty.DynamicVal
		if a.Where&in == 0 {
			l.diags.errorf(attr.NameRange, "Misplaced attribute", "%q belongs to %s, not to %s.", a.Name, a.Where, in)
		} else {
			v = l.assign(s, a, attr, in, scope)
		}
		if v == cty.DynamicVal {
			s.refuse(a.Name)
		}
		if values != nil {
			values[a.Name] = v
		}
	}
	if known < len(s.attrs) {
		l.unknown(s, in)
	}
	return values
}

// assign evaluates one attribute and sets it.
func (l *loader) assign(s *spec, a *Attribute, attr *hclsyntax.Attribute, in Where, scope *hcl.EvalContext) cty.Value {
	if !l.variables(s.src, a, attr.Expr, scope) {
		return cty.DynamicVal
	}
	v, problems := attr.Expr.Value(scope)
	for _, p := range problems {
		l.diags.errorf(*p.Subject, p.Summary, "%s", p.Detail)
	}
	if problems.HasErrors() || !v.IsWhollyKnown() {
		return cty.DynamicVal
	}
	if v.IsNull() && in&everywhere != 0 && a.Where&InDefaults != 0 {
		return v // as defaults.banner is where there is none
	}
	failed := false
	a.set(cell{attr: a, val: v, expr: attr.Expr, at: attr.Expr.Range(), src: s.src, to: l.diags, machine: &l.machine, failed: &failed}, s)
	if failed {
		return cty.DynamicVal
	}
	return v
}

// variables reports names in an expression that mean nothing: mostly words that lack their quotes.
func (l *loader) variables(src *source, a *Attribute, e hclsyntax.Expression, scope *hcl.EvalContext) bool {
	ok := true
	for _, t := range e.Variables() {
		at := t.SourceRange()
		name := t.RootName()
		switch {
		case name != "defaults":
			l.diags.errorf(at, "Word without quotes", "%s", bareWord(a, e, name, inTemplate(src.text, at)))
		case scope == noVariables:
			l.diags.errorf(at, "Unknown variable", "Only a service can refer to defaults.")
		case !knownDefault(t):
			l.diags.errorf(at, "Unknown variable", "%s", noDefault(t))
		default:
			continue
		}
		ok = false
	}
	return ok
}

// bareWord explains a name that is no variable.
func bareWord(a *Attribute, e hclsyntax.Expression, name string, inTemplate bool) string {
	_, whole := e.(*hclsyntax.ScopeTraversalExpr)
	yes, isYesNo := yesNo(name)
	switch {
	case inTemplate:
		return fmt.Sprintf("There is no variable %q. For the text ${ itself write $${.", name)
	case a.Type == boolType && isYesNo:
		return fmt.Sprintf("Write %s = %t.", a.Name, yes)
	case whole && a.Type == boolType:
		return fmt.Sprintf("%q is true or false.", a.Name)
	case whole && a.isList():
		return fmt.Sprintf("Write %s = [%q].", a.Name, name)
	case whole:
		return fmt.Sprintf("Text stands in quotes: %s = %q.", a.Name, name)
	}
	return fmt.Sprintf("Text stands in quotes: %q.", name)
}

// inTemplate reports whether ${ stands before the place.
func inTemplate(text []byte, at hcl.Range) bool {
	return at.Start.Byte <= len(text) && bytes.HasSuffix(bytes.TrimRight(text[:at.Start.Byte], " "), []byte("${"))
}

func knownDefault(t hcl.Traversal) bool {
	if len(t) < 2 {
		return false
	}
	step, ok := t[1].(hcl.TraverseAttr)
	if !ok {
		return false
	}
	a, ok := Lookup(step.Name)
	return ok && a.Where&InDefaults != 0
}

func noDefault(t hcl.Traversal) string {
	if len(t) > 1 {
		if step, ok := t[1].(hcl.TraverseAttr); ok {
			return fmt.Sprintf("defaults has no attribute %q.%s", step.Name, didYouMean(step.Name, legal(InDefaults)))
		}
	}
	return "Write defaults and the name of an attribute, for example defaults.log_on_failure."
}

// unknown reports the attributes that are not in the table.
func (l *loader) unknown(s *spec, in Where) {
	for name, attr := range s.attrs {
		if _, ok := Lookup(name); ok {
			continue
		}
		if why, ok := unavailable[name]; ok {
			l.diags.errorf(attr.NameRange, "Not available", "%s", why)
			continue
		}
		l.diags.errorf(attr.NameRange, "Unknown attribute", "There is no attribute %q.%s", name, didYouMean(name, legal(in)))
		s.misspelt = append(s.misspelt, closest(name, legal(in)))
	}
}

// scope is what a service can refer to: defaults.NAME, as it stands there or as the table has it.
func (l *loader) scope(values map[string]cty.Value) *hcl.EvalContext {
	all := make(map[string]cty.Value)
	for i := range Attributes {
		a := &Attributes[i]
		if a.Where&InDefaults == 0 {
			continue
		}
		v, ok := values[a.Name]
		if !ok {
			v = defaultValue(a)
		}
		all[a.Name] = v
	}
	return &hcl.EvalContext{
		Functions: functions,
		Variables: map[string]cty.Value{"defaults": cty.ObjectVal(all)},
	}
}
