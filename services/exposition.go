package services

import (
	"math"
	"strconv"
	"strings"
)

// metrics writes samples in the text format of Prometheus, or in that of OpenMetrics 1.0, which differs in the names of
// counters, in how a number is written, and in its end.
type metrics struct {
	b      []byte
	open   bool
	name   string // of the family
	suffix string // of its samples: "_total" for a counter
}

// The kinds of families.
const (
	counter   = "counter"
	gauge     = "gauge"
	histogram = "histogram"
)

// label is a label's name and value.
type label struct{ name, value string }

// family begins one, whose name is that of OpenMetrics: a counter's without "_total".
func (m *metrics) family(name, kind, help string) {
	m.name, m.suffix = name, ""
	if kind == counter {
		m.suffix = "_total"
	}
	described := name + m.suffix
	if m.open {
		described = name
	}
	m.b = append(m.b, "# HELP "...)
	m.b = append(m.b, described...)
	m.b = append(m.b, ' ')
	m.b = append(m.b, help...)
	m.b = append(m.b, "\n# TYPE "...)
	m.b = append(m.b, described...)
	m.b = append(m.b, ' ')
	m.b = append(m.b, kind...)
	m.b = append(m.b, '\n')
}

// sample writes one of the family's; part is what follows the family's name in a histogram.
func (m *metrics) sample(part string, value float64, labels ...label) {
	m.b = append(m.b, m.name...)
	m.b = append(m.b, part...)
	m.b = append(m.b, m.suffix...)
	for i, l := range labels {
		m.b = append(m.b, "{,"[min(i, 1)])
		m.b = append(m.b, l.name...)
		m.b = append(m.b, `="`...)
		m.b = append(appendLabel(m.b, l.value), '"')
	}
	if len(labels) > 0 {
		m.b = append(m.b, '}')
	}
	m.b = append(m.b, ' ')
	m.b = append(appendNumber(m.b, value, false), '\n')
}

func (m *metrics) histogram(h *Histogram, name label) {
	total := uint64(0)
	for i, n := range h.Counts {
		total += n
		le := "+Inf"
		if i < len(h.Bounds) {
			le = string(appendNumber(nil, h.Bounds[i].Seconds(), m.open))
		}
		m.sample("_bucket", float64(total), name, label{"le", le})
	}
	m.sample("_sum", h.Sum.Seconds(), name)
	m.sample("_count", float64(total), name)
}

// appendLabel escapes what would end a label's value, or its line.
func appendLabel(b []byte, s string) []byte {
	for i := range len(s) {
		switch c := s[i]; c {
		case '\\', '"':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, `\n`...)
		default:
			b = append(b, c)
		}
	}
	return b
}

// appendNumber writes a number exactly, a whole one without an exponent; with point, OpenMetrics' form of a bucket's bound.
func appendNumber(b []byte, v float64, point bool) []byte {
	if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
		b = strconv.AppendInt(b, int64(v), 10)
		if point {
			b = append(b, ".0"...)
		}
		return b
	}
	return strconv.AppendFloat(b, v, 'g', -1, 64)
}

// Family describes a metric as the manual shows it.
type Family struct{ Name, Kind, Help string }

// Families are all metrics there are, in the order in which they are written, by the names that Prometheus knows.
func Families() (all []Family) {
	for line := range strings.Lines(string(appendMetrics(nil, &State{}, false))) {
		words := strings.SplitN(strings.TrimSuffix(line, "\n"), " ", 4)
		switch {
		case words[0] != "#":
		case words[1] == "HELP":
			all = append(all, Family{Name: words[2], Help: words[3]})
		default:
			all[len(all)-1].Kind = words[3]
		}
	}
	return all
}
