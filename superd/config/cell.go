package config

import (
	"fmt"
	"math/big"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// maxItems bounds every list in a file.
const maxItems = 10_000

// cell is one value on its way from HCL into a spec: the value, where it stands, and whom to tell what is wrong with it.
type cell struct {
	attr    *Attribute
	val     cty.Value
	expr    hclsyntax.Expression // nil: computed, so its parts have no place of their own
	at      hcl.Range
	src     *source
	to      *Diagnostics
	machine *machine
	failed  *bool
}

func (c cell) errorf(summary, format string, args ...any) {
	*c.failed = true
	c.to.errorf(c.at, summary, format, args...)
}

func (c cell) warnf(summary, format string, args ...any) {
	c.to.warnf(c.at, summary, format, args...)
}

// mistyped says what was wanted, what is there, and how it is written.
func (c cell) mistyped() {
	c.errorf("Wrong type", "%q takes a %s; this is %s. Write %s.", c.attr.Name, c.attr.Type, describe(c.val), c.remedy())
}

// remedy is the author's value in the right form where that can be told, else the table's example.
func (c cell) remedy() string {
	text, isText := c.text()
	if c.attr.Type == boolType && isText {
		if v, ok := yesNo(text); ok {
			return fmt.Sprintf("%s = %t, without quotes", c.attr.Name, v)
		}
	}
	if c.attr.isList() && isText && text != "" {
		q := strings.Fields(text)
		for i := range q {
			q[i] = fmt.Sprintf("%q", q[i])
		}
		return fmt.Sprintf("%s = [%s]", c.attr.Name, strings.Join(q, ", "))
	}
	return fmt.Sprintf("for example %s = %s", c.attr.Name, c.attr.Example)
}

// yesNo reads the words that xinetd and others have for a bool.
func yesNo(s string) (value, ok bool) {
	switch strings.ToLower(s) {
	case "yes", "true", "on":
		return true, true
	case "no", "false", "off":
		return false, true
	}
	return false, false
}

func describe(v cty.Value) string {
	t := v.Type()
	switch {
	case v.IsNull():
		return "null"
	case t == cty.String:
		return fmt.Sprintf("the string %.40q", v.AsString())
	case t == cty.Number:
		return "the number " + v.AsBigFloat().Text('g', 10)
	case t == cty.Bool:
		return fmt.Sprintf("the bool %t", v.True())
	case isList(v):
		return "a list"
	default:
		return "an object"
	}
}

func isList(v cty.Value) bool {
	t := v.Type()
	return t.IsTupleType() || t.IsListType() || t.IsSetType()
}

// text is the value of a string.
func (c cell) text() (string, bool) {
	if c.val.IsNull() || c.val.Type() != cty.String {
		return "", false
	}
	return c.val.AsString(), true
}

// integer is the value of a whole number that fits an int64.
func (c cell) integer() (int64, bool) {
	if c.val.IsNull() || c.val.Type() != cty.Number {
		return 0, false
	}
	n, accuracy := c.val.AsBigFloat().Int64()
	return n, accuracy == big.Exact
}

// number is the value of any number.
func (c cell) number() (float64, bool) {
	if c.val.IsNull() || c.val.Type() != cty.Number {
		return 0, false
	}
	f, _ := c.val.AsBigFloat().Float64()
	return f, true
}

func (c cell) bool() (value, ok bool) {
	if c.val.IsNull() || c.val.Type() != cty.Bool {
		return false, false
	}
	return c.val.True(), true
}

// items are the elements of a list, each with its own place where it has one.
func (c cell) items() ([]cell, bool) {
	if c.val.IsNull() || !isList(c.val) {
		return nil, false
	}
	vals := c.val.AsValueSlice()
	if len(vals) > maxItems {
		c.errorf("List too long", "%q has %d elements; at most %d are allowed.", c.attr.Name, len(vals), maxItems)
		return nil, true
	}
	exprs := elements(c.expr)
	cells := make([]cell, len(vals))
	for i, v := range vals {
		cells[i] = c
		cells[i].val, cells[i].expr = v, nil
		if len(exprs) == len(vals) {
			cells[i].expr, cells[i].at = exprs[i], exprs[i].Range()
		}
	}
	return cells, true
}

// elements are the expressions of a list that is written out.
func elements(e hclsyntax.Expression) []hclsyntax.Expression {
	if t, ok := e.(*hclsyntax.TupleConsExpr); ok {
		return t.Exprs
	}
	return nil
}

// texts are the elements of a list of strings, without those that are none: these it reports. ok is false if it is no list.
func (c cell) texts() (_ []word, ok bool) {
	items, ok := c.items()
	if !ok {
		c.mistyped()
		return nil, false
	}
	words := make([]word, 0, len(items))
	for _, item := range items {
		text, ok := item.text()
		if !ok {
			item.errorf("Wrong type", "%q takes a list of strings; this is %s.%s", c.attr.Name, describe(item.val), item.quoteHint())
			continue
		}
		if strings.ContainsRune(text, 0) {
			item.errorf("Bad text", "Text cannot hold a NUL character.")
			continue
		}
		words = append(words, word{text, item.at})
	}
	return words, true
}

func (c cell) quoteHint() string {
	if n, ok := c.integer(); ok {
		return fmt.Sprintf(` Write "%d".`, n)
	}
	return ""
}

// line is a string without NUL or control characters, and not empty.
func (c cell) line() (string, bool) {
	text, ok := c.text()
	switch {
	case !ok:
		c.mistyped()
	case text == "":
		c.errorf("Empty value", "%q needs a value, for example %s = %s; without one, leave it out.", c.attr.Name, c.attr.Name, c.attr.Example)
	case strings.ContainsFunc(text, isControl):
		c.errorf("Bad text", "%q cannot hold control characters.", c.attr.Name)
	default:
		return text, true
	}
	return "", false
}

func isControl(r rune) bool { return r < 0x20 || r == 0x7f }

// choose finds given among words, whatever its case. later has the words that are known and cannot be had, with the reason.
func (c cell) choose(given string, words []string, later map[string]string) (string, bool) {
	i := slices.IndexFunc(words, func(w string) bool { return strings.EqualFold(w, given) })
	if i >= 0 {
		return words[i], true
	}
	if why, ok := later[strings.ToUpper(given)]; ok {
		c.errorf("Not available", "%q: %s", given, why)
		return "", false
	}
	c.errorf("Unknown word", "%q is not a word of %q.%s Its words are %s.", given, c.attr.Name, didYouMean(given, words), quoted(words))
	return "", false
}

// path is an absolute path. With beside, one that starts with ./ or ../ is taken from the folder of the file it stands in.
func (c cell) path(given string, beside bool) (string, bool) {
	switch {
	case filepath.IsAbs(given):
		return filepath.Clean(given), true
	case beside && (strings.HasPrefix(given, "./") || strings.HasPrefix(given, "../")):
		return filepath.Join(c.src.folder(), given), true
	case beside:
		c.errorf("Relative path", "%q does not say where it starts. Write an absolute path, or \"./%s\" for one beside this file.", given, given)
	default:
		c.errorf("Relative path", "%q does not say where it starts. Write an absolute path.", given)
	}
	return "", false
}
