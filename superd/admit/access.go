package admit

import (
	"net/netip"
	"slices"
	"strings"

	"superd/superd/config"
)

// access is only_from and no_access, made ready for look-up. It never changes.
//
// A look-up costs one map access for each distinct prefix length (and each label of a name), whatever the
// number of rules. Rules of one family say nothing about the other: 0.0.0.0/0 is not ::/0.
type access struct {
	nothing  match                 // the outcome when no rule matches
	prefixes map[netip.Prefix]bool // masked; true: denied
	lengths4 []int                 // the distinct lengths in prefixes, longest first
	lengths6 []int
	names    map[string]bool // host names and, with their leading dot, domains; true: denied
	named    [2]match        // the most specific name rule of each list; rankNothing: it has none
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
	a := &access{
		nothing:  match{rankNothing, c.Restricted},
		prefixes: make(map[netip.Prefix]bool),
		names:    make(map[string]bool),
	}
	a.named = [2]match{a.add(c.OnlyFrom, false), a.add(c.NoAccess, true)}
	for p := range a.prefixes {
		if p.Addr().Is4() {
			a.lengths4 = append(a.lengths4, p.Bits())
		} else {
			a.lengths6 = append(a.lengths6, p.Bits())
		}
	}
	a.lengths4, a.lengths6 = longestFirst(a.lengths4), longestFirst(a.lengths6)
	return a
}

func longestFirst(lengths []int) []int {
	slices.Sort(lengths)
	lengths = slices.Clip(slices.Compact(lengths))
	slices.Reverse(lengths)
	return lengths
}

// add files the rules of one list and returns its most specific name rule.
// Where both lists have the same rule the denial stays.
func (a *access) add(rules []config.Rule, deny bool) (named match) {
	for _, r := range rules {
		if r.Prefix.IsValid() {
			p := r.Prefix.Masked()
			a.prefixes[p] = a.prefixes[p] || deny
			continue
		}
		a.names[r.Name] = a.names[r.Name] || deny
		named = named.or(match{nameRank(r.Name), deny})
	}
	return named
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
	lengths := a.lengths6
	if addr.Is4() {
		lengths = a.lengths4
	}
	for _, bits := range lengths {
		p := netip.PrefixFrom(addr, bits).Masked()
		if deny, ok := a.prefixes[p]; ok {
			return match{prefixRank(p), deny}
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
