package config

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// origin is where the attributes of a block were written: on which line, less that of the block. So it stays true when the
// block moves in its file.
type origin []written

type written struct {
	attribute uint16 // in Attributes
	line      int32
}

func originOf(b *hclsyntax.Block) origin {
	o := make(origin, 0, len(b.Body.Attributes))
	for i := range Attributes {
		if a, ok := b.Body.Attributes[Attributes[i].Name]; ok {
			o = append(o, written{uint16(i), int32(a.NameRange.Start.Line - b.TypeRange.Start.Line)})
		}
	}
	return o
}

// of is where an attribute stands; false: not in this block.
func (o origin) of(attribute string) (int, bool) {
	for _, a := range o {
		if Attributes[a.attribute].Name == attribute {
			return int(a.line), true
		}
	}
	return 0, false
}

// ruleLines are the lines of the rules of a list, less that of the block it stands in.
type ruleLines []int32

func (s *spec) ruleLine(at word) int32 {
	if s.block == nil {
		return 0
	}
	return int32(at.at.Start.Line - s.block.TypeRange.Start.Line)
}

// defaultsPlace is where the defaults stand. The zero value: nowhere.
type defaultsPlace struct {
	file   string
	line   int
	origin origin
}

func (it *item) defaultsPlace() defaultsPlace {
	if it == nil {
		return defaultsPlace{}
	}
	return defaultsPlace{it.src.name, it.line, originOf(it.block)}
}

// Origin is where the value of an attribute of s, a service of c, was written, as FILE:LINE; "" if nowhere: then superd's own
// default holds.
func (c *Config) Origin(s *Service, attribute string) string {
	if line, ok := s.origin.of(attribute); ok {
		return s.below(line)
	}
	if line, ok := c.defaults.origin.of(attribute); ok && c.fromDefaults(attribute) {
		return fmt.Sprintf("%s:%d", c.defaults.file, c.defaults.line+line)
	}
	return ""
}

func (c *Config) fromDefaults(attribute string) bool {
	a, ok := Lookup(attribute)
	return ok && a.Where&InService != 0
}

// RuleOrigin is where a rule of s.Access was written: the i-th of NoAccess if denies, else of OnlyFrom.
func (c *Config) RuleOrigin(s *Service, denies bool, i int) string {
	attribute, lines := "only_from", s.Access.onlyFromLines
	if denies {
		attribute, lines = "no_access", s.Access.noAccessLines
	}
	if i >= len(lines) {
		return c.Origin(s, attribute)
	}
	if _, own := s.origin.of(attribute); own {
		return s.below(int(lines[i]))
	}
	return fmt.Sprintf("%s:%d", c.defaults.file, c.defaults.line+int(lines[i]))
}

// below is a line of the service's block.
func (s *Service) below(line int) string {
	i := strings.LastIndexByte(s.At, ':')
	first, _ := strconv.Atoi(s.At[i+1:])
	return fmt.Sprintf("%s:%d", s.At[:i], first+line)
}
