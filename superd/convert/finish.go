package convert

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"superd/superd/config"
)

// finish makes of the draft what superd takes: names, ids, and services that are not in one another's way.
func (d *draft) finish() {
	for _, b := range d.services {
		d.name(b)
	}
	d.identities()
	d.settle()
}

// name sees to it that the service's name can be one.
func (d *draft) name(b *block) {
	const longest = 128
	if d.judge.Objection("id", quote(b.label), config.InService) == "" {
		return
	}
	clean := strings.Map(func(r rune) rune {
		if d.judge.Objection("id", quote(string(r)), config.InService) != "" {
			return '-'
		}
		return r
	}, b.label)
	if len(clean) > longest {
		clean = strings.ToValidUTF8(clean[:longest], "")
	}
	if clean == "" {
		clean = "unnamed"
	}
	d.both(b, b.at, "superd cannot have the name %s.", quote(excerpt(b.label)))
	b.label = clean
}

// identities gives services with the same id different ones: two blocks of one name are one for each socket, mostly.
func (d *draft) identities() {
	taken := ids{make(map[string]bool, len(d.services)), make(map[string]int)}
	same := make(map[string][]*block)
	for _, b := range d.services {
		key := strings.ToLower(b.id())
		same[key] = append(same[key], b)
		taken.used[key] = true
	}
	renamed := make(map[string][]string)
	done := make(map[string]bool)
	for _, b := range d.services {
		key := strings.ToLower(b.id())
		group := same[key]
		if len(group) < 2 || done[key] {
			continue
		}
		done[key] = true
		slices.SortStableFunc(group, func(a, b *block) int { return cmp.Compare(rank(a), rank(b)) })
		mixed := mixedSockets(group)
		for i, b := range group {
			if i == 0 && !mixed {
				renamed[key] = append(renamed[key], b.id())
				continue
			}
			explicit := b.get("id")
			id := taken.free(b, mixed)
			if explicit != nil {
				d.both(b, explicit.from[0], "Another service has the id %s; this one becomes %s.", b.id(), id)
			}
			renamed[key] = append(renamed[key], id)
			b.giveID(id)
		}
	}
	d.follow(renamed)
}

// rank lets a service that is on keep its id before one that is off.
func rank(b *block) int {
	if b.isOff() {
		return 1
	}
	return 0
}

// mixedSockets reports whether the services of a group have stream and dgram sockets.
func mixedSockets(group []*block) bool {
	for _, b := range group[1:] {
		if b.socket() != group[0].socket() {
			return true
		}
	}
	return false
}

func (b *block) socket() string {
	r, p := b.get("socket_type"), b.get("protocol")
	switch {
	case r != nil:
		return unquote(r.value)
	case p != nil && p.value == `"udp"`:
		return "dgram"
	}
	return "stream"
}

// ids are those that are taken, and where the counting of each goes on.
type ids struct {
	used map[string]bool
	next map[string]int
}

// free is an id for the service that no other has.
func (t ids) free(b *block, mixed bool) string {
	base := b.id()
	first := 2
	if mixed {
		base += "-" + b.socket()
		first = 1
	}
	key := strings.ToLower(base)
	for n := max(first, t.next[key]); ; n++ {
		id := base
		if n > 1 {
			id = fmt.Sprintf("%s-%d", base, n)
		}
		if lower := strings.ToLower(id); !t.used[lower] {
			t.used[lower], t.next[key] = true, n+1
			return id
		}
	}
}

// giveID writes the id as the first attribute, where one looks for it.
func (b *block) giveID(id string) {
	from := []origin{b.at}
	if r := b.get("id"); r != nil {
		from = r.from
	}
	b.drop("id")
	at := 0
	for at < len(b.rows) && b.rows[at].name == "" {
		at++
	}
	b.rows = append(b.rows[:at:at], append([]row{{name: "id", value: quote(id), from: from}}, b.rows[at:]...)...)
}

// follow puts new ids into enabled and disabled.
func (d *draft) follow(renamed map[string][]string) {
	if d.defaults == nil {
		return
	}
	for _, name := range []string{"enabled", "disabled"} {
		r := d.defaults.get(name)
		if r == nil {
			continue
		}
		var words []string
		for _, m := range quotedWord.FindAllStringSubmatch(r.value, -1) {
			if ids, ok := renamed[strings.ToLower(m[1])]; ok {
				words = append(words, ids...)
			} else {
				words = append(words, m[1])
			}
		}
		r.value = list(words)
	}
}

var quotedWord = regexp.MustCompile(`"((?:[^"\\]|\\.)*)"`)

// settle switches off what superd check refuses, until it refuses nothing. What is left is right wherever it is loaded.
func (d *draft) settle() {
	const rounds = 8
	for range rounds {
		problems := d.check(true)
		if len(problems) == 0 {
			return
		}
		for _, p := range problems {
			if p.b == nil {
				d.fail(p.at, "superd refuses the result: %s", p.text)
			} else if !p.b.isOff() {
				d.switchOff(p.b, origin{Place: p.at, text: p.from}, "%s", p.text)
			} else {
				d.fail(p.at, "superd refuses the result: %s", p.text)
			}
		}
	}
}

// machine remarks on what superd check refuses on this machine: users, groups and ports that it does not know.
func (d *draft) machine() {
	for _, p := range d.check(false) {
		d.remark(p.at, "On this machine superd check refuses what comes of this: %s", p.text)
	}
}

// refusal is an error of superd check, seen from the source.
type refusal struct {
	at   Place
	from string
	b    *block
	text string
}

// check loads the result as superd check would.
func (d *draft) check(portable bool) []refusal {
	folder, err := os.MkdirTemp("", "superd-convert-*")
	if err != nil {
		return []refusal{{text: err.Error()}}
	}
	defer os.RemoveAll(folder)
	files := d.whole()
	path := filepath.Join(folder, mainName)
	if err := os.WriteFile(path, files[0].Text, 0o600); err != nil {
		return []refusal{{text: err.Error()}}
	}
	_, diags := config.Load(path, config.Options{Privileged: true, Portable: portable})
	owners := d.owners(files[0])
	var found []refusal
	for _, p := range diags.Problems() {
		if p.Severity == config.Error {
			r := d.refusal(files[0], p, path)
			if p.Line <= len(owners) && p.Line > 0 {
				r.b = owners[p.Line-1]
			}
			found = append(found, r)
		}
	}
	return found
}

// refusal finds the line of the source that a line of the result came from.
func (d *draft) refusal(f File, p config.Problem, path string) refusal {
	text := p.Detail
	if text == "" {
		text = p.Summary
	}
	r := refusal{at: Place{File: mainName}, text: d.relate(f, text, path)}
	for i := min(p.Line, len(f.rows)); i > 0; i-- {
		if from := f.rows[i-1].from; len(from) > 0 {
			r.at, r.from = from[0].Place, from[0].text
			break
		}
	}
	return r
}

// owners are the services that the lines of the result belong to.
func (d *draft) owners(f File) []*block {
	owners := make([]*block, len(f.rows))
	n := -1
	for i, r := range f.rows {
		if r.opens && r.name != "defaults {" {
			n++
		}
		if n >= 0 {
			owners[i] = d.services[n]
		}
	}
	return owners
}

// relate puts the source's places where a text has the result's.
func (d *draft) relate(f File, text, path string) string {
	i := strings.Index(text, path+":")
	if i < 0 {
		return text
	}
	rest := text[i+len(path)+1:]
	digits := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
	var n int
	_, _ = fmt.Sscanf(digits, "%d", &n) // no digits: 0
	place := "another place"
	if n > 0 && n <= len(f.rows) && len(f.rows[n-1].from) > 0 {
		place = f.rows[n-1].from[0].Place.String()
	}
	return text[:i] + place + rest[len(digits):]
}
