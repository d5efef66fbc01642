package convert

import (
	"fmt"
	"strings"

	"superd/superd/config"
)

// Place is a line of a source file; line 0 is the file as a whole.
type Place struct {
	File string
	Line int
}

func (p Place) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// Remark is something that its reader should know about the source: what is lost, or means something else than it says.
type Remark struct {
	Place
	Error bool // a part of the source could not be read
	Text  string
}

// String is the remark on one line: "FILE:LINE: warning: TEXT".
func (r Remark) String() string {
	severity := "warning"
	if r.Error {
		severity = "error"
	}
	return fmt.Sprintf("%s: %s: %s", r.Place, severity, oneLine(r.Text))
}

// maxRemarks bounds what is kept of them; the rest is counted.
const maxRemarks = 10_000

// origin is a piece of the source and where it stands.
type origin struct {
	Place
	text string
}

// row is a line of a block: an attribute, a comment, or, with all empty, a blank line.
type row struct {
	name, value string // value is HCL
	comment     string // with its "#"
	from        []origin
	opens       bool // it opens a block
}

func (r *row) isBlank() bool { return r.name == "" && r.comment == "" }

// block is a service, or the defaults.
type block struct {
	label  string // of a service
	at     origin
	before []row // comments above it
	rows   []row
	after  []row // comments below it, the last of its file
}

func (b *block) get(name string) *row {
	for i := range b.rows {
		if b.rows[i].name == name {
			return &b.rows[i]
		}
	}
	return nil
}

// set gives an attribute its value, in the place where it stands already or at the end.
func (b *block) set(name, value string, from ...origin) {
	if r := b.get(name); r != nil {
		r.value = value
		r.from = append(r.from, from...)
		return
	}
	b.rows = append(b.rows, row{name: name, value: value, from: from})
}

func (b *block) drop(name string) {
	for i := range b.rows {
		if b.rows[i].name == name {
			b.rows = append(b.rows[:i], b.rows[i+1:]...)
			return
		}
	}
}

// mark is what begins a comment of the converter's own, to be searched for.
const mark = "# CONVERT: "

func (b *block) note(text string, from ...origin) {
	b.rows = append(b.rows, row{comment: mark + oneLine(text), from: from})
}

func (b *block) isOff() bool {
	r := b.get("disable")
	return r != nil && r.value == "true"
}

// id is the service's id as it is written, or what stands for it.
func (b *block) id() string {
	if r := b.get("id"); r != nil {
		return unquote(r.value)
	}
	return b.label
}

// draft is the configuration as it grows.
type draft struct {
	judge    *config.Judge
	find     func(program string) string // where a program without a path is on this machine, or ""
	head     []row                       // comments that belong to nothing else
	defaults *block
	services []*block
	remarks  []Remark
	omitted  int // remarks beyond maxRemarks
}

func (d *draft) remark(at Place, format string, args ...any) {
	d.say(Remark{Place: at, Text: fmt.Sprintf(format, args...)})
}

func (d *draft) fail(at Place, format string, args ...any) {
	d.say(Remark{Place: at, Error: true, Text: fmt.Sprintf(format, args...)})
}

func (d *draft) say(r Remark) {
	if len(d.remarks) >= maxRemarks {
		d.omitted++
		return
	}
	d.remarks = append(d.remarks, r)
}

// both remarks on something, and leaves a comment at the place in the block.
func (d *draft) both(b *block, from origin, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	b.note(text, from)
	d.remark(from.Place, "%s", text)
}

// switchOff keeps a service that cannot run, as one that is off.
func (d *draft) switchOff(b *block, from origin, format string, args ...any) {
	d.both(b, from, format+" The service is off.", args...)
	b.set("disable", "true", from)
}

// defaultsBlock is the defaults block, made when it is first needed.
func (d *draft) defaultsBlock(at origin) *block {
	if d.defaults == nil {
		d.defaults = &block{at: at}
	}
	return d.defaults
}

// has reports whether this superd has the attribute.
func has(name string) bool {
	_, ok := config.Lookup(name)
	return ok
}

// hasWord finds a word of the attribute as superd writes it.
func hasWord(name, word string) (string, bool) {
	a, ok := config.Lookup(name)
	if !ok {
		return "", false
	}
	for _, w := range a.Words {
		if strings.EqualFold(w, word) {
			return w, true
		}
	}
	return "", false
}

// wordOrList is how one or several words are written: without brackets where one word may stand so.
func wordOrList(name string, words []string) string {
	if a, ok := config.Lookup(name); ok && len(words) == 1 && strings.HasPrefix(a.Type, "string or ") {
		return quote(words[0])
	}
	return list(words)
}
