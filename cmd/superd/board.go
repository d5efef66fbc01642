package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"superd/superd/control"
)

// board is what top shows and how the keys change it. It does nothing itself: what is to be done is in order.
type board struct {
	status *control.Status
	failed error            // of the last look
	before map[string]total // of the look before
	rates  map[string]rate
	at     time.Time

	service  string // whose connections are shown; "": all services are
	filter   string
	sort     int // column
	selected int // row
	confirm  order
	message  string
	order    order
}

type total struct{ accepted, refused uint64 }
type rate struct{ accepted, refused float64 } // a second

// order is something that a key asks for.
type order struct {
	what       deed
	service    string
	connection uint64
	question   string
}

type deed int

const (
	nothing deed = iota
	look         // at once
	pauseService
	resumeService
	kickConnection
)

// show takes in what a look has seen.
func (b *board) show(s *control.Status, err error) {
	b.failed = err
	if err != nil {
		return
	}
	b.status = s
	if b.service != "" {
		return
	}
	now := map[string]total{}
	elapsed := s.Time.Sub(b.at).Seconds()
	b.rates = map[string]rate{}
	for _, v := range s.Services {
		t := total{accepted: v.Accepted + v.Datagrams}
		for _, n := range v.Refused {
			t.refused += n
		}
		now[v.ID] = t
		if was, known := b.before[v.ID]; known && elapsed > 0 {
			b.rates[v.ID] = rate{grown(was.accepted, t.accepted) / elapsed, grown(was.refused, t.refused) / elapsed}
		}
	}
	b.before, b.at = now, s.Time
}

// grown is how much more there is; nothing if the daemon has begun anew.
func grown(was, is uint64) float64 { return float64(max(is, was) - was) }

// row is a line of the table, and what its keys act on.
type row struct {
	cells      []string
	service    string
	state      string
	connection uint64
}

// column is one of a table: how wide, and in which order its rows stand when it is sorted by.
type column[T any] struct {
	name  string
	width int // negative: flush left
	text  func(b *board, v *T) string
	order func(b *board, x, y *T) int
}

var serviceColumns = []column[control.Service]{
	{"NOW", 9, func(_ *board, v *control.Service) string { return connections(v) },
		func(_ *board, x, y *control.Service) int { return cmp.Compare(y.Running, x.Running) }},
	{"ACC/S", 8, func(b *board, v *control.Service) string { return perSecond(b.rates[v.ID].accepted) },
		func(b *board, x, y *control.Service) int {
			return cmp.Compare(b.rates[y.ID].accepted, b.rates[x.ID].accepted)
		}},
	{"REF/S", 8, func(b *board, v *control.Service) string { return perSecond(b.rates[v.ID].refused) },
		func(b *board, x, y *control.Service) int {
			return cmp.Compare(b.rates[y.ID].refused, b.rates[x.ID].refused)
		}},
	{"ACCEPTED", 10, func(b *board, v *control.Service) string { return strconv.FormatUint(v.Accepted+v.Datagrams, 10) },
		func(b *board, x, y *control.Service) int {
			return cmp.Compare(b.before[y.ID].accepted, b.before[x.ID].accepted)
		}},
	{"REFUSED", 10, func(b *board, v *control.Service) string { return strconv.FormatUint(b.before[v.ID].refused, 10) },
		func(b *board, x, y *control.Service) int {
			return cmp.Compare(b.before[y.ID].refused, b.before[x.ID].refused)
		}},
	{"SERVICE", -20, func(_ *board, v *control.Service) string { return v.ID }, func(_ *board, x, y *control.Service) int { return cmp.Compare(x.ID, y.ID) }},
	{"STATE", -22, func(_ *board, v *control.Service) string { return state(v) }, func(_ *board, x, y *control.Service) int { return cmp.Compare(x.State, y.State) }},
	{"LAST", -40, func(b *board, v *control.Service) string { return last(v, b.status.Time) },
		func(_ *board, x, y *control.Service) int { return lastTime(y).Compare(lastTime(x)) }},
}

func lastTime(v *control.Service) time.Time {
	if v.Last == nil {
		return time.Time{}
	}
	return v.Last.Time
}

var connectionColumns = []column[control.Connection]{
	{"AGE", 8, func(b *board, c *control.Connection) string { return ago(b.status.Time.Sub(c.Started)) },
		func(_ *board, x, y *control.Connection) int { return x.Started.Compare(y.Started) }},
	{"IN", 10, func(_ *board, c *control.Connection) string { return amount(c.In) },
		func(_ *board, x, y *control.Connection) int { return cmp.Compare(orZero(y.In), orZero(x.In)) }},
	{"OUT", 10, func(_ *board, c *control.Connection) string { return amount(c.Out) },
		func(_ *board, x, y *control.Connection) int { return cmp.Compare(orZero(y.Out), orZero(x.Out)) }},
	{"CPU", 9, func(_ *board, c *control.Connection) string { return cpu(c.CPU) },
		func(_ *board, x, y *control.Connection) int { return cmp.Compare(orZero(y.CPU), orZero(x.CPU)) }},
	{"CONNECTION", 11, func(_ *board, c *control.Connection) string { return strconv.FormatUint(c.ID, 10) },
		func(_ *board, x, y *control.Connection) int { return cmp.Compare(x.ID, y.ID) }},
	{"PID", 8, func(_ *board, c *control.Connection) string { return pid(c) }, func(_ *board, x, y *control.Connection) int { return cmp.Compare(x.Pid, y.Pid) }},
	{"PEER", -46, func(_ *board, c *control.Connection) string { return peer(c) }, func(_ *board, x, y *control.Connection) int { return x.Peer.Compare(y.Peer) }},
}

func orZero[T uint64 | float64](v *T) T {
	if v == nil {
		return 0
	}
	return *v
}

func perSecond(r float64) string { return strconv.FormatFloat(r, 'f', 1, 64) }

// table is the head and the rows, sorted and filtered. The column that is sorted by has a mark.
func table[T any](b *board, columns []column[T], all []T, row func(cells []string, v *T) row) (head []string, rows []row) {
	by := columns[b.sort%len(columns)]
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(x, y T) int { return by.order(b, &x, &y) })
	for _, c := range columns {
		name := c.name
		if c.name == by.name {
			name = "*" + name
		}
		head = append(head, pad(name, c.width))
	}
	for i := range all {
		var cells []string
		for _, c := range columns {
			cells = append(cells, pad(printable(c.text(b, &all[i])), c.width))
		}
		if strings.Contains(strings.ToLower(strings.Join(cells, " ")), strings.ToLower(b.filter)) {
			rows = append(rows, row(cells, &all[i]))
		}
	}
	return head, rows
}

func (b *board) table() (head []string, rows []row) {
	if b.status == nil {
		return nil, nil
	}
	if b.service == "" {
		return table(b, serviceColumns, b.status.Services, func(cells []string, v *control.Service) row {
			return row{cells: cells, service: v.ID, state: v.State}
		})
	}
	var all []control.Connection
	for _, v := range b.status.Services {
		if v.Detail != nil {
			all = append(all, v.Detail.Connections...)
		}
	}
	return table(b, connectionColumns, all, func(cells []string, c *control.Connection) row {
		return row{cells: cells, service: c.Service, connection: c.ID}
	})
}

const (
	inverse = "\x1b[7m"
	normal  = "\x1b[0m"
)

// frame is the screen, a line for each of height, none wider than width.
func (b *board) frame(width, height int) []string {
	head, rows := b.table()
	b.selected = max(0, min(b.selected, len(rows)-1))
	lines := []string{fit(b.title(), width), fit(b.second(), width), inverse + fit(pad(strings.Join(head, "  "), -width), width) + normal}
	room := max(height-len(lines)-1, 1)
	first := max(0, b.selected-room+1)
	for i := first; i < len(rows) && i < first+room; i++ {
		line := fit(strings.Join(rows[i].cells, "  "), width)
		if i == b.selected {
			line = inverse + fit(pad(line, -width), width) + normal
		}
		lines = append(lines, line)
	}
	for len(lines) < height-1 {
		lines = append(lines, "")
	}
	lines = append(lines, fit(b.foot(), width))
	return lines[max(0, len(lines)-height):]
}

func (b *board) title() string {
	switch {
	case b.failed != nil:
		return "superd does not answer: " + printable(b.failed.Error())
	case b.status == nil:
		return "superd"
	}
	return headline(b.status)
}

func (b *board) second() string {
	switch {
	case b.service != "":
		return "connections of " + b.service + b.filtered()
	case b.status != nil && b.status.Failure != nil:
		return "the last reload failed: " + printable(b.status.Failure.Error) + b.filtered()
	case b.status != nil && b.status.Degraded > 0:
		return fmt.Sprintf("services: %d, degraded: %d%s", len(b.status.Services), b.status.Degraded, b.filtered())
	case b.status != nil:
		return fmt.Sprintf("services: %d%s", len(b.status.Services), b.filtered())
	}
	return ""
}

func (b *board) filtered() string {
	if b.filter == "" {
		return ""
	}
	return "; with: " + b.filter
}

func (b *board) foot() string {
	switch {
	case b.confirm.what != nothing:
		return b.confirm.question + " (y or n)"
	case b.message != "":
		return b.message
	case b.service != "":
		return "type to filter  Tab sort  Del end the connection  Ctrl-P pause  Esc back  Ctrl-C quit"
	}
	return "type to filter  Tab sort  Enter connections  Ctrl-P pause  Esc clear  Ctrl-C quit"
}

// pad fills text up to a width with blanks: before it, or behind it if the width is negative.
func pad(text string, width int) string {
	n := utf8.RuneCountInString(text)
	if width < 0 {
		return text + strings.Repeat(" ", max(-width-n, 0))
	}
	return strings.Repeat(" ", max(width-n, 0)) + text
}

// fit cuts text to a width.
func fit(text string, width int) string {
	if r := []rune(text); len(r) > width {
		return string(r[:max(width, 0)])
	}
	return text
}
