package convert

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// lists are attributes whose words are taken as they are.
func lists(s *service, l setting) { s.assign(l, l.values) }

// env: variables that superd sets itself are left out.
func env(s *service, l setting) {
	if l.op == "-=" {
		s.refused(l, "xinetd has no -= for env.")
		return
	}
	var kept []string
	for _, v := range l.values {
		if why := s.objection("env", list([]string{v})); why != "" {
			s.part(l, v, "%s", why)
			continue
		}
		kept = append(kept, v)
	}
	s.assign(l, kept)
}

// logFlags are words; the ones that superd lacks are left out.
func logFlags(s *service, l setting) {
	var kept []string
	for _, v := range l.values {
		if strings.HasPrefix(v, "#") {
			s.both(s.b, l.origin, "xinetd has no comments behind a value, and with one here it leaves the service out. The comment is taken off.")
			break
		}
		w, ok := hasWord(l.name, v)
		if !ok {
			s.part(l, v, "%s xinetd leaves a service out that has it.", s.objection(l.name, list([]string{v})))
			continue
		}
		kept = append(kept, w)
	}
	s.assign(l, kept)
}

// part is a word of a line that is left out.
func (s *service) part(l setting, word, format string, args ...any) {
	one := l
	one.text = l.name + " " + l.op + " " + word
	text := fmt.Sprintf(format, args...)
	s.b.note(excerpt(one.text)+" -- "+text, l.origin)
	s.remark(l.Place, "%q is left out. %s", word, text)
}

// assign carries =, += and -= out.
func (s *service) assign(l setting, words []string) {
	state, op := s.lists[l.name], l.op
	if state == nil {
		state = &listState{base: !s.inDefaults && l.name != "env"}
		if s.inDefaults {
			state.words = slices.Clone(s.inherited[l.name])
		}
		s.lists[l.name] = state
		if op == "=" && !s.inDefaults {
			state.base = false
		}
	} else if op == "=" && !s.inDefaults {
		*state = listState{}
	}
	switch {
	case op == "-=" && (l.name == "enabled" || l.name == "disabled"):
		s.both(s.b, l.origin, "xinetd takes -= for += here: it adds these.")
		fallthrough
	case op != "-=":
		state.words = append(state.words, words...)
	default:
		s.remove(l, state, words)
	}
	state.last = l
	s.b.set(l.name, "", l.origin) // its place; show writes the value
}

// remove takes words away. HCL has no way to say so on top of the defaults, so these are written out.
func (s *service) remove(l setting, state *listState, words []string) {
	if state.base {
		state.base = false
		state.words = append(slices.Clone(s.inherited[l.name]), state.words...)
		s.both(s.b, l.origin, "superd has no -=: this is what is left of the list in defaults. Change it when you change them.")
	}
	for _, w := range words {
		before := len(state.words)
		state.words = slices.DeleteFunc(state.words, func(have string) bool { return strings.EqualFold(have, w) })
		if len(state.words) == before {
			s.part(l, w, "There is no such word to take away.")
		}
	}
}

// show writes the lists into their places.
func (s *service) show() {
	for _, name := range listed {
		state := s.lists[name]
		if state == nil {
			continue
		}
		value := list(state.words)
		if state.base {
			value = "concat(defaults." + name + ", " + value + ")"
		}
		if why := s.objection(name, value); why != "" {
			s.b.drop(name)
			s.refused(state.last, "%s", why)
			continue
		}
		s.b.set(name, value)
	}
}

// addresses are the words of only_from and no_access.
func addresses(s *service, l setting) {
	var kept []string
	for _, v := range l.values {
		if strings.HasPrefix(v, "#") {
			s.both(s.b, l.origin, "xinetd has no comments behind a value: it takes each of these words for an address. They are taken off.")
			break
		}
		if strings.Contains(v, ",") && !strings.Contains(v, "{") {
			s.both(s.b, l.origin, "xinetd wants blanks, not commas, between addresses, and leaves a service out that has one.")
			for part := range strings.SplitSeq(v, ",") {
				if part != "" {
					kept = append(kept, s.address(l, part)...)
				}
			}
			continue
		}
		kept = append(kept, s.address(l, v)...)
	}
	s.assign(l, kept)
}

// address is one word as superd has it, or none.
func (s *service) address(l setting, word string) []string {
	v := word
	before, bits, slash := strings.Cut(word, "/")
	n, err := strconv.Atoi(bits)
	addr, err6 := netip.ParseAddr(before)
	switch {
	case word == "::":
		s.both(s.b, l.origin, "xinetd takes :: for that one address, and not for all of IPv6. To mean all, write ::/0.")
		return []string{"::/128"}
	case slash && strings.Contains(bits, "."):
		s.part(l, word, "xinetd knows no netmasks with dots, and ignores the word. To have it in force, write %s.", word)
		return nil
	case slash && err == nil && err6 == nil && addr.Is4() && n > 32:
		s.both(s.b, l.origin, "xinetd takes /%d for /32.", n)
		v = before + "/32"
	case slash && err == nil && err6 == nil && addr.Is6() && n == 128:
		s.both(s.b, l.origin, "xinetd never matches a range of /128; superd does.")
	case !slash && err6 != nil && strings.Trim(word, "0123456789.xXabcdefABCDEF") == "" && word[0] >= '0' && word[0] <= '9':
		if a, ok := inetAton(word); ok {
			s.both(s.b, l.origin, "To xinetd %s is the address %s, as to inet_aton(3).", word, a)
			v = a.String()
		}
	}
	if why := s.objection(l.name, list([]string{v})); why != "" {
		effect := "the list is shorter than it looks"
		if l.name == "no_access" {
			effect = "nobody is kept out by it"
		}
		s.part(l, word, "%s xinetd ignores such a word, so %s.", why, effect)
		return nil
	}
	return []string{v}
}

// inetAton reads an address of one to four numbers, decimal, octal or hexadecimal, as inet_aton(3) does.
func inetAton(s string) (netip.Addr, bool) {
	parts := strings.Split(s, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var value uint64
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 0, 32)
		if err != nil || strings.ContainsAny(p, "_oObB") && !strings.HasPrefix(strings.ToLower(p), "0x") {
			return netip.Addr{}, false
		}
		width := 8
		if i == len(parts)-1 {
			width = 8 * (4 - i)
		}
		if n >= 1<<width {
			return netip.Addr{}, false
		}
		value = value<<width | n
	}
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], uint32(value))
	return netip.AddrFrom4(b), true
}

// wider remarks on a service that superd opens to somebody whom xinetd refused: only_from inside no_access.
func (s *service) wider() {
	if s.lists["only_from"] == nil && s.lists["no_access"] == nil {
		return
	}
	only, no := s.ranges("only_from"), s.ranges("no_access")
	for _, wide := range no {
		for _, narrow := range only {
			if wide.Bits() < narrow.Bits() && wide.Overlaps(narrow) {
				s.both(s.b, s.b.at, "xinetd refuses who is in both only_from and no_access. In superd the more specific word counts: %s may come, though %s may not.", narrow, wide)
				return
			}
		}
	}
}

// ranges are the addresses of a list and of the defaults below it.
func (s *service) ranges(name string) []netip.Prefix {
	state := s.lists[name]
	words := s.inherited[name]
	if state != nil && state.base {
		words = append(slices.Clone(words), state.words...)
	} else if state != nil {
		words = state.words
	}
	const enough = 100 // to compare each with each
	var found []netip.Prefix
	for _, w := range words[:min(len(words), enough)] {
		if p, err := netip.ParsePrefix(w); err == nil {
			found = append(found, p.Masked())
		} else if a, err := netip.ParseAddr(w); err == nil {
			found = append(found, netip.PrefixFrom(a, significant(a)))
		}
	}
	return found
}

// significant is the number of bits before the zero bytes at the end of an IPv4 address, which match anything.
func significant(a netip.Addr) int {
	if !a.Is4() {
		return a.BitLen()
	}
	b := a.As4()
	n := 4
	for n > 0 && b[n-1] == 0 {
		n--
	}
	return 8 * n
}
