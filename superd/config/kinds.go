package config

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"
)

// The types that Kind.Type starts with.
const (
	boolType = "bool"
	listType = "list of "
)

// Kind is the shape of an attribute's values and the way into the spec.
type Kind struct {
	Type  string   // "string", "bool", "number", "size", "duration", "list of strings" …
	Words []string // all the words that its strings may be; nil: any
	set   func(c cell, s *spec)
}

func boolean(field func(*spec) *bool) Kind {
	return Kind{Type: boolType, set: func(c cell, s *spec) {
		if v, ok := c.bool(); ok {
			*field(s) = v
			return
		}
		c.mistyped()
	}}
}

func integer(low, high int64, field func(*spec) *int) Kind {
	return Kind{Type: "whole number", set: func(c cell, s *spec) {
		if n, ok := c.within(low, high); ok {
			*field(s) = int(n)
		}
	}}
}

// within is a whole number of the given range.
func (c cell) within(low, high int64) (int64, bool) {
	n, ok := c.integer()
	if !ok {
		c.mistyped()
		return 0, false
	}
	if n < low || n > high {
		c.errorf("Out of range", "%q is a number from %d to %d.", c.attr.Name, low, high)
		return 0, false
	}
	return n, true
}

// limit is a count of zero or more, or "UNLIMITED".
func limit(field func(*spec) *int) Kind {
	return Kind{Type: `whole number or "UNLIMITED"`, set: func(c cell, s *spec) {
		if text, ok := c.text(); ok && strings.EqualFold(text, unlimitedWord) {
			*field(s) = Unlimited
		} else if n, ok := c.within(0, math.MaxInt32); ok {
			*field(s) = int(n)
		}
	}}
}

const unlimitedWord = "UNLIMITED"

func loadAverage(field func(*spec) *float64) Kind {
	return Kind{Type: "number", set: func(c cell, s *spec) {
		f, ok := c.number()
		switch {
		case !ok:
			c.mistyped()
		case f < 0 || f > math.MaxInt32:
			c.errorf("Out of range", "%q is a load average above 0, or 0 for none.", c.attr.Name)
		default:
			*field(s) = f
		}
	}}
}

func duration(field func(*spec) *time.Duration) Kind {
	return Kind{Type: "duration", set: func(c cell, s *spec) {
		if d, ok := c.duration(); ok {
			*field(s) = d
		}
	}}
}

// longest is the longest duration there is in a file: ten years, far from overflow.
const longest = 10 * 365 * 24 * time.Hour

// duration is a number of seconds, or text such as "10s", "1h30m" or "2d".
func (c cell) duration() (time.Duration, bool) {
	seconds, isNumber := c.number()
	text, isText := c.text()
	switch {
	case isText:
		d, err := parseDuration(text)
		if err != nil {
			c.errorf("Bad duration", `%q is not a duration. Write a number and its unit, such as "10s", "5m", "2h" or "1d".`, text)
			return 0, false
		}
		seconds = d.Seconds()
	case !isNumber:
		c.mistyped()
		return 0, false
	}
	if seconds < 0 || seconds > longest.Seconds() {
		c.errorf("Out of range", "A duration is from 0 to ten years.")
		return 0, false
	}
	return time.Duration(seconds * float64(time.Second)), true
}

func parseDuration(s string) (time.Duration, error) {
	if n, ok := strings.CutSuffix(s, "d"); ok {
		days, err := strconv.ParseUint(n, 10, 12)
		return time.Duration(days) * 24 * time.Hour, err
	}
	return time.ParseDuration(s)
}

// rlimit is a size, a count or seconds, or "UNLIMITED". It sets the limit of rlimitNames[i].
func rlimit(i int, seconds bool) Kind {
	kind := Kind{Type: `size or "UNLIMITED"`}
	if seconds {
		kind.Type = `number or "UNLIMITED"`
	}
	kind.set = func(c cell, s *spec) {
		if n, ok := c.size(seconds); ok {
			s.rlimits[i] = &n
		}
	}
	return kind
}

// noneAllowed is the one limit at which a program can do its work with none of it. For the others 0 was xinetd's "not set".
const noneAllowed = "rlimit_core"

func (c cell) size(seconds bool) (uint64, bool) {
	text, isText := c.text()
	if isText && strings.EqualFold(text, unlimitedWord) {
		return Infinity, true
	}
	n, isNumber := c.integer()
	var err error
	if isText {
		n, err = parseSize(text)
	} else if !isNumber {
		c.mistyped()
		return 0, false
	}
	switch {
	case err != nil || isText && seconds && strings.ContainsAny(text, "kKmMgGtT"):
		c.errorf("Bad number", "%q cannot be read. Write for example %s = %s.", text, c.attr.Name, c.attr.Example)
	case n < 0, n == 0 && c.attr.Name != noneAllowed:
		c.errorf("Out of range", `%q is 1 or more, or "UNLIMITED"; to leave superd's own limit in force, leave it out.`, c.attr.Name)
	default:
		return uint64(n), true
	}
	return 0, false
}

// parseSize reads "65536", "64K", "64M", "2G" or "1T"; the units are powers of 1024.
func parseSize(s string) (int64, error) {
	shift := 0
	if i := strings.IndexAny("KMGT", strings.ToUpper(s[max(0, len(s)-1):])); i >= 0 && s != "" {
		shift, s = 10*(i+1), s[:len(s)-1]
	}
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil {
		return 0, err
	}
	if n > math.MaxInt64>>shift {
		return 0, fmt.Errorf("%d << %d is too large", n, shift)
	}
	return int64(n) << shift, nil
}

// path is an absolute path, cleaned; with beside also one relative to the file.
func path(beside bool, field func(*spec) *string) Kind {
	return Kind{Type: "path", set: func(c cell, s *spec) {
		if v, ok := c.line(); ok {
			if p, ok := c.path(v, beside); ok {
				*field(s) = p
			}
		}
	}}
}

// account is a user or group: a name, or a number with or without quotes.
func account(field func(*spec) *string) Kind {
	return Kind{Type: "string or number", set: func(c cell, s *spec) {
		if n, ok := c.integer(); ok {
			if n < 0 || n >= math.MaxUint32 {
				c.errorf("Out of range", "%q is from 0 to %d.", c.attr.Name, uint32(math.MaxUint32-1))
				return
			}
			*field(s) = strconv.FormatInt(n, 10)
		} else if v, ok := c.line(); ok {
			*field(s) = v
		}
	}}
}

// choice is one of words. later: see cell.choose.
func choice(words []string, later map[string]string, take func(*spec, string)) Kind {
	return Kind{Type: "string", Words: words, set: func(c cell, s *spec) {
		if v, ok := c.line(); ok {
			if w, ok := c.choose(v, words, later); ok {
				take(s, w)
			}
		}
	}}
}

// named is one of the values that are written as their String.
func named[T fmt.Stringer](field func(*spec) *T, values ...T) Kind {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = v.String()
	}
	return choice(words, nil, func(s *spec, w string) { *field(s) = values[slices.Index(words, w)] })
}

// policy is one of the words of on_instances and its like.
func policy(field func(*spec) *Policy, allowed ...Policy) Kind { return named(field, allowed...) }

// set is a list of words, each of which may be there or not.
func set(words []string, later map[string]string, take func(s *spec, chosen []string)) Kind {
	return Kind{Type: listType + "words", Words: words, set: func(c cell, s *spec) {
		given, ok := c.texts()
		if !ok {
			return
		}
		var chosen []string
		for _, g := range given {
			if w, ok := c.on(g).choose(g.text, words, later); ok {
				chosen = append(chosen, w)
			}
		}
		take(s, chosen)
	}}
}

// on is the cell narrowed to one word of it.
func (c cell) on(w word) cell {
	c.at = w.at
	return c
}

// list is a list of strings, each of which must pass check (nil: all do), which reports what it refuses.
func list(check func(c cell, w word), field func(*spec) *[]string) Kind {
	return Kind{Type: listType + "strings", set: func(c cell, s *spec) {
		words, ok := c.texts()
		if !ok {
			return
		}
		texts := make([]string, len(words))
		for i, w := range words {
			if check != nil {
				check(c.on(w), w)
			}
			texts[i] = w.text
		}
		*field(s) = texts
	}}
}

// placed is a list of strings that keep their places.
func placed(field func(*spec) *[]word) Kind {
	return Kind{Type: listType + "strings", set: func(c cell, s *spec) {
		if words, ok := c.texts(); ok {
			*field(s) = words
		}
	}}
}

// pair is a list of two.
func pair(what string, take func(c cell, s *spec, first, second cell)) Kind {
	return Kind{Type: what, set: func(c cell, s *spec) {
		if items, ok := c.items(); ok && len(items) == 2 {
			take(c, s, items[0], items[1])
			return
		}
		c.mistyped()
	}}
}

// oneOrMore lets a list be written without brackets when it has one element.
func oneOrMore(k Kind) Kind {
	k.Type = "string or " + k.Type
	inner := k.set
	k.set = func(c cell, s *spec) {
		if _, ok := c.text(); ok {
			c.val, c.expr = cty.TupleVal([]cty.Value{c.val}), nil
		}
		inner(c, s)
	}
	return k
}
