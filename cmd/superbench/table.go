package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// metric is a column of figures.
type metric struct {
	Name     string
	Decimals int
}

// sample is one round of one server: values by metric. What a round cannot say is not in it.
type sample map[string]float64

// row is a server in a scenario.
type row struct {
	Server string
	Rounds []sample
}

// of are the row's values of a metric, one a round; NaN where the round has none.
func (r *row) of(metric string) []float64 {
	values := make([]float64, len(r.Rounds))
	for i, s := range r.Rounds {
		v, ok := s[metric]
		if !ok {
			v = math.NaN()
		}
		values[i] = v
	}
	return values
}

// median is that of the rounds that have the metric; NaN if none has.
func (r *row) median(metric string) float64 {
	return median(slices.DeleteFunc(r.of(metric), math.IsNaN))
}

// table is what a scenario found out.
type table struct {
	Scenario string
	Doc      string
	Metrics  []metric
	Compare  string // the metric that ratios are about; "": none
	Rows     []*row // superd is the first
	Notes    []string
}

func (t *table) row(server string) *row {
	for _, r := range t.Rows {
		if r.Server == server {
			return r
		}
	}
	r := &row{Server: server}
	t.Rows = append(t.Rows, r)
	return r
}

func (t *table) note(format string, values ...any) {
	if n := fmt.Sprintf(format, values...); !slices.Contains(t.Notes, n) {
		t.Notes = append(t.Notes, n)
	}
}

// compares says that there are ratios: superd has not failed to start.
func (t *table) compares() bool {
	return t.Compare != "" && len(t.Rows) > 1 && strings.HasPrefix(t.Rows[0].Server, superdName)
}

// ratio says how many times superd, the first row, has what r has: the median of the rounds, and their spread.
func (t *table) ratio(r *row) (spread, bool) {
	if !t.compares() || r == t.Rows[0] {
		return spread{}, false
	}
	return spreadOf(ratios(t.Rows[0].of(t.Compare), r.of(t.Compare)))
}

// write lays the table out for a terminal: medians, columns that nobody has anything for left out.
func (t *table) write(w io.Writer) error {
	head := []string{""}
	var shown []metric
	for _, m := range t.Metrics {
		if slices.ContainsFunc(t.Rows, func(r *row) bool { return !math.IsNaN(r.median(m.Name)) }) {
			shown = append(shown, m)
			head = append(head, m.Name)
		}
	}
	compared := t.compares()
	if compared {
		head = append(head, "superd ÷ it, "+t.Compare)
	}
	lines := [][]string{head}
	for _, r := range t.Rows {
		line := []string{r.Server}
		for _, m := range shown {
			line = append(line, format(r.median(m.Name), m.Decimals))
		}
		if compared {
			text := "-"
			if s, ok := t.ratio(r); ok {
				text = fmt.Sprintf("%.2f (%.2f–%.2f)", s.Median, s.Min, s.Max)
			}
			line = append(line, text)
		}
		lines = append(lines, line)
	}
	if _, err := fmt.Fprintf(w, "\n%s: %s\n\n", t.Scenario, t.Doc); err != nil {
		return err
	}
	for _, line := range align(lines) {
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	for i, n := range t.Notes {
		if _, err := fmt.Fprintf(w, "%s  * %s\n", map[bool]string{true: "\n"}[i == 0], n); err != nil {
			return err
		}
	}
	return nil
}

func format(value float64, decimals int) string {
	if math.IsNaN(value) {
		return "-"
	}
	return strconv.FormatFloat(value, 'f', decimals, 64)
}

// align pads the first column on the right and the others on the left. Widths are in runes.
func align(lines [][]string) []string {
	var widths []int
	for _, line := range lines {
		for i, cell := range line {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	out := make([]string, 0, len(lines))
	for _, line := range lines {
		var b strings.Builder
		for i, cell := range line {
			padding := strings.Repeat(" ", widths[i]-len([]rune(cell)))
			if i == 0 {
				b.WriteString(cell + padding)
			} else {
				b.WriteString("  " + padding + cell)
			}
		}
		out = append(out, strings.TrimRight(b.String(), " "))
	}
	return out
}
