package convert

import (
	"fmt"
	"strings"

	"superd/superd/config"
)

// File is one file of the result.
type File struct {
	Name string // superd.hcl, ftp.hcl …
	Text []byte
	rows []row // by line: what each was written from
}

// Step says which line of the result came from which line of the source.
type Step struct {
	From   Place
	Source string // the line, without the blanks around it
	File   string
	Line   int
	HCL    string // the line, without the blanks around it
}

// String is "FILE:LINE: SOURCE -> FILE:LINE: HCL".
func (s Step) String() string {
	return fmt.Sprintf("%s: %s -> %s:%d: %s", s.From, oneLine(s.Source), s.File, s.Line, s.HCL)
}

// page is a file as it is written.
type page struct {
	text strings.Builder
	rows []row // one for each line
}

func (p *page) line(indent string, r row) {
	switch {
	case r.isBlank():
		if n := len(p.rows); n == 0 || p.rows[n-1].isBlank() {
			return // one blank line is enough
		}
	case r.comment != "":
		p.text.WriteString(indent + r.comment)
	default:
		p.text.WriteString(indent + r.name + " = " + r.value)
	}
	p.text.WriteByte('\n')
	p.rows = append(p.rows, r)
}

// brace writes the line that opens a block, which has an origin, or closes it.
func (p *page) brace(text string, from ...origin) {
	p.text.WriteString(text + "\n")
	p.rows = append(p.rows, row{name: text, from: from, opens: len(from) > 0})
}

func (p *page) gap() { p.line("", row{}) }

func (p *page) block(kind string, b *block) {
	p.gap()
	for _, r := range b.before {
		p.line("", r)
	}
	head := kind
	if kind == "service" {
		head += " " + quote(b.label)
	}
	p.brace(head+" {", b.at)
	rows := trimBlank(b.rows)
	for _, r := range rows {
		p.line("  ", r)
	}
	p.brace("}")
	if len(b.after) > 0 {
		p.gap()
	}
	for _, r := range b.after {
		p.line("", r)
	}
}

// file ends the page.
func (p *page) file(name string) File {
	text := strings.TrimRight(p.text.String(), "\n") + "\n"
	if len(p.rows) == 0 {
		text = ""
	}
	rows := p.rows
	for len(rows) > 0 && rows[len(rows)-1].isBlank() {
		rows = rows[:len(rows)-1]
	}
	return File{name, []byte(text), rows}
}

// format lays files out as superd fmt does, which leaves lines where they are.
func format(files []File) []File {
	for i, f := range files {
		files[i].Text, _ = config.Format(f.Text, f.Name)
	}
	return files
}

// mainName is the file that the others are included by.
const mainName = "superd.hcl"

// whole writes everything into one file.
func (d *draft) whole() []File {
	var p page
	d.top(&p)
	for _, b := range d.services {
		p.block("service", b)
	}
	return []File{p.file(mainName)}
}

// top writes what stands above the services.
func (d *draft) top(p *page) {
	if d.defaults != nil {
		p.block("defaults", d.defaults)
	}
	p.gap()
	for _, r := range trimBlank(d.head) {
		p.line("", r)
	}
}

// apart writes a file for each service, and the one that includes them.
func (d *draft) apart() []File {
	var main page
	d.top(&main)
	main.gap()
	main.line("", row{name: "include", value: `["*.hcl"]`})
	return append([]File{main.file(mainName)}, d.each()...)
}

// each writes a file for each service.
func (d *draft) each() (files []File) {
	taken := ids{map[string]bool{mainName: true}, make(map[string]int)}
	for _, b := range d.services {
		var p page
		p.block("service", b)
		files = append(files, p.file(fileName(b.id(), taken)))
	}
	return files
}

// fileName is a name for the file of a service that no other one has.
func fileName(id string, taken ids) string {
	const longest = 100
	base := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r) {
			return r
		}
		return '-'
	}, id)
	base = strings.TrimLeft(base[:min(len(base), longest)], ".")
	if base == "" {
		base = "service"
	}
	key := strings.ToLower(base)
	for n := max(1, taken.next[key]); ; n++ {
		name := base + ".hcl"
		if n > 1 {
			name = fmt.Sprintf("%s-%d.hcl", base, n)
		}
		if lower := strings.ToLower(name); !taken.used[lower] {
			taken.used[lower], taken.next[key] = true, n+1
			return name
		}
	}
}

// steps are the lines of the result with the ones they came from, in the order of the result.
func steps(files []File) []Step {
	var all []Step
	for _, f := range files {
		lines := strings.Split(string(f.Text), "\n")
		for i, r := range f.rows {
			for _, o := range r.from {
				if r.comment != "" && !strings.HasPrefix(r.comment, mark) {
					continue // a comment that was carried over explains nothing
				}
				all = append(all, Step{o.Place, strings.TrimSpace(o.text), f.Name, i + 1, strings.TrimSpace(lines[i])})
			}
		}
	}
	return all
}
