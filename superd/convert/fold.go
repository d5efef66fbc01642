package convert

import (
	"slices"
	"strings"

	"superd/superd/config"
)

// unlimited is what xinetd does where neither a service nor its defaults say anything. The defaults of another configuration
// must not say it instead.
var unlimited = []row{
	{name: "instances", value: `"UNLIMITED"`},
	{name: "per_source", value: `"UNLIMITED"`},
	{name: "cps", value: "[50, 10]"},
}

// fold writes the defaults into each service, so that the services can stand in another configuration, whose defaults are
// its own: there can be one such block in all files together.
func (d *draft) fold() {
	if len(d.services) == 0 {
		return
	}
	shared := &block{}
	if d.defaults != nil {
		shared = d.defaults
	}
	for _, b := range d.services {
		d.inherit(b, shared)
	}
	first := d.services[0]
	comments := append(slices.Clone(shared.before), onlyComments(shared.rows)...)
	comments = append(append(comments, shared.after...), d.head...)
	first.before = append(trimBlank(comments), first.before...)
	d.defaults, d.head = nil, nil
}

// inherit gives the service what it has from the defaults.
func (d *draft) inherit(b *block, shared *block) {
	own := make(map[string]bool, len(b.rows))
	for i := range b.rows {
		r := &b.rows[i]
		own[r.name] = true
		if list := shared.get(r.name); list != nil && strings.Contains(r.value, "defaults."+r.name) {
			words := append(quotedWord.FindAllString(list.value, -1), quotedWord.FindAllString(r.value, -1)...)
			r.value = "[" + strings.Join(words, ", ") + "]"
		}
	}
	if b.switchedOffBy(shared) {
		b.set("disable", "true", b.at)
	}
	for _, r := range slices.Concat(shared.rows, unlimited) {
		if a, ok := config.Lookup(r.name); ok && a.Where&config.InService != 0 && !own[r.name] {
			own[r.name] = true
			b.rows = append(b.rows, r)
		}
	}
}

// switchedOffBy reports whether enabled or disabled has the service off.
func (b *block) switchedOffBy(shared *block) bool {
	names := func(attribute string) bool {
		for _, m := range quotedWord.FindAllStringSubmatch(shared.get(attribute).value, -1) {
			if strings.EqualFold(unquote(m[0]), b.id()) {
				return true
			}
		}
		return false
	}
	return shared.get("disabled") != nil && names("disabled") || shared.get("enabled") != nil && !names("enabled")
}

func onlyComments(rows []row) []row {
	return slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return r.comment == "" })
}
