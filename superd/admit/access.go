package admit

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"superd/superd/config"
)

// access is only_from and no_access, made ready for look-up. It never changes.
//
// A look-up costs one binary search for each distinct prefix length and one map access for each label of a name, whatever
// the number of rules. Rules of one family say nothing about the other: 0.0.0.0/0 is not ::/0.
type access struct {
	nothing match           // the outcome when no rule matches
	four    []layer         // of IPv4 rules, longest prefixes first
	six     []layer         // of IPv6 rules
	names   map[string]bool // host names and, with their leading dot, domains; true: denied
	named   [2]match        // the most specific name rule of each list; rankNothing: it has none
}

// layer is the rules whose prefixes have one length, sorted by address.
type layer struct {
	bits  int
	rules []rule
}

type rule struct {
	prefix netip.Prefix // masked
	deny   bool
}

// match is a rule that matches, reduced to what counts when several do.
type match struct {
	rank rank
	deny bool
}

// or is the one of both that decides: the more specific; in a tie the one that denies.
func (m match) or(o match) match {
	if o.rank > m.rank || o.rank == m.rank && o.deny {
		return o
	}
	return m
}

// rank orders rules by how specific they are: no rule, the whole family, domains by their labels (a name
// has at most 127), prefixes by their length, and on top single addresses and host names.
type rank int

const (
	rankNothing  rank = 0
	rankFamily   rank = 1
	rankDomain   rank = 1   // + labels
	rankPrefix   rank = 256 // + length
	rankIdentity rank = 512
)

func prefixRank(p netip.Prefix) rank {
	switch {
	case p.IsSingleIP():
		return rankIdentity
	case p.Bits() == 0:
		return rankFamily
	}
	return rankPrefix + rank(p.Bits())
}

func nameRank(name string) rank {
	if strings.HasPrefix(name, ".") {
		return rankDomain + rank(strings.Count(name, "."))
	}
	return rankIdentity
}

func newAccess(c config.Access) *access {
	a := &access{nothing: match{rankNothing, c.Restricted}}
	a.named = [2]match{a.name(c.OnlyFrom, false), a.name(c.NoAccess, true)}
	four, six := split(nil, nil, c.OnlyFrom, false)
	four, six = split(four, six, c.NoAccess, true)
	a.four, a.six = layers(four), layers(six)
	return a
}

// name files the name rules of one list and returns the most specific of them.
// Where both lists have the same rule the denial stays.
func (a *access) name(rules []config.Rule, deny bool) (named match) {
	for _, r := range rules {
		if r.Prefix.IsValid() {
			continue
		}
		if a.names == nil {
			a.names = make(map[string]bool)
		}
		a.names[r.Name] = a.names[r.Name] || deny
		named = named.or(match{nameRank(r.Name), deny})
	}
	return named
}

// split adds the address rules of one list to those of their family.
func split(four, six []rule, list []config.Rule, deny bool) (_, _ []rule) {
	for _, r := range list {
		switch p := r.Prefix.Masked(); {
		case !p.IsValid():
		case p.Addr().Is4():
			four = append(four, rule{p, deny})
		default:
			six = append(six, rule{p, deny})
		}
	}
	return four, six
}

// layers sorts rules of one family. Of the same rule in both lists the denial stays.
func layers(rules []rule) (all []layer) {
	slices.SortFunc(rules, func(a, b rule) int {
		denialsFirst := 0
		if a.deny != b.deny {
			denialsFirst = 1
			if a.deny {
				denialsFirst = -1
			}
		}
		return cmp.Or(cmp.Compare(b.prefix.Bits(), a.prefix.Bits()), a.prefix.Addr().Compare(b.prefix.Addr()), denialsFirst)
	})
	rules = slices.Clip(slices.CompactFunc(rules, func(a, b rule) bool { return a.prefix == b.prefix }))
	for len(rules) > 0 {
		bits, n := rules[0].prefix.Bits(), 0
		for n < len(rules) && rules[n].prefix.Bits() == bits {
			n++
		}
		all, rules = append(all, layer{bits, rules[:n:n]}), rules[n:]
	}
	return slices.Clip(all)
}

// admits reports whether a peer may in. One whose address is unknown may: there is nothing to judge.
// addr is not a mapped one.
func (a *access) admits(addr netip.Addr, names []string) bool {
	if !addr.IsValid() {
		return true
	}
	best := a.byAddr(addr)
	for _, name := range names {
		best = best.or(a.byName(name))
	}
	return !best.deny
}

// needsNames reports whether some name could turn what addr alone decides.
func (a *access) needsNames(addr netip.Addr) bool {
	if !addr.IsValid() {
		return false
	}
	best := a.byAddr(addr)
	for _, n := range a.named {
		if best.or(n).deny != best.deny {
			return true
		}
	}
	return false
}

func (a *access) byAddr(addr netip.Addr) match {
	family := a.six
	if addr.Is4() {
		family = a.four
	}
	for _, l := range family {
		p := netip.PrefixFrom(addr, l.bits).Masked()
		i, ok := slices.BinarySearchFunc(l.rules, p.Addr(), func(r rule, addr netip.Addr) int { return r.prefix.Addr().Compare(addr) })
		if ok {
			return match{prefixRank(p), l.rules[i].deny}
		}
	}
	return a.nothing
}

// byName tries the whole name, then the domains above it, nearest first. ".example.org" is
// what lies below example.org, not that name itself (as in xinetd).
func (a *access) byName(name string) match {
	if deny, ok := a.names[name]; ok {
		return match{nameRank(name), deny}
	}
	for i := range len(name) {
		if name[i] != '.' {
			continue
		}
		if deny, ok := a.names[name[i:]]; ok {
			return match{nameRank(name[i:]), deny}
		}
	}
	return a.nothing
}
