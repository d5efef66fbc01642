package selinux

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// longest bounds a context: the kernel takes no more than a page, with the NUL at its end, and cuts off what is beyond.
const longest = 4095

// context is user:role:type, or user:role:type:range under a policy that has ranges. A range has colons of its own:
// s0-s0:c0.c1023.
type context struct{ user, role, kind, levels string }

var errContext = errors.New("not a security context")

// parse reads what the kernel gives, which mostly ends in a NUL.
func parse(text []byte) (context, error) {
	text, rest, _ := bytes.Cut(text, []byte{0})
	if len(text) > longest || len(rest) > 0 {
		return context{}, errContext
	}
	s := string(text)
	if strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return context{}, errContext // it would be another question to the kernel, whose words are parted by blanks
	}
	parts := strings.SplitN(s, ":", 4)
	if len(parts) < 3 {
		return context{}, fmt.Errorf("%w: %.100q", errContext, s)
	}
	c := context{user: parts[0], role: parts[1], kind: parts[2]}
	ranged := len(parts) == 4
	if ranged {
		c.levels = parts[3]
	}
	if c.user == "" || c.role == "" || c.kind == "" || ranged && c.levels == "" {
		return context{}, fmt.Errorf("%w: %.100q", errContext, s)
	}
	return c, nil
}

func (c context) String() string {
	s := c.user + ":" + c.role + ":" + c.kind
	if c.levels != "" {
		s += ":" + c.levels
	}
	return s
}

var errNoRange = errors.New("it has no range")

// with is c with another's range.
func (c context) with(other context) (context, error) {
	if other.levels == "" {
		return context{}, fmt.Errorf("%s: %w", other, errNoRange)
	}
	c.levels = other.levels
	if len(c.String()) > longest {
		return context{}, errContext
	}
	return c, nil
}
