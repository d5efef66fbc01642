package libwrap

import (
	"net/netip"
	"strconv"
	"strings"
)

// word is a pattern for one string: an address as text, a name, a user, a daemon.
type word struct {
	kind wordKind
	text string
	addr netip.Addr // kindAddress
}

type wordKind uint8

const (
	kindExact   wordKind = iota
	kindGlob             // * and ?
	kindSuffix           // .example.org
	kindPrefix           // 192.0.2.
	kindAll              // ALL
	kindKnown            // KNOWN: anything but unknown
	kindAddress          // [2001:db8::1]
	kindNever            // [what is no address]
)

func newWord(w string) *word {
	switch {
	case strings.ContainsAny(w, "*?"):
		return &word{kind: kindGlob, text: w}
	case strings.HasPrefix(w, "."):
		return &word{kind: kindSuffix, text: w}
	case fold(w, "ALL"):
		return &word{kind: kindAll}
	case fold(w, "KNOWN"):
		return &word{kind: kindKnown}
	case strings.HasSuffix(w, "."):
		return &word{kind: kindPrefix, text: w}
	case len(w) >= 2 && w[0] == '[' && w[len(w)-1] == ']':
		if a, err := netip.ParseAddr(w[1 : len(w)-1]); err == nil && a.Is6() {
			return &word{kind: kindAddress, addr: a}
		}
		return &word{kind: kindNever}
	}
	return &word{kind: kindExact, text: w}
}

func (w *word) matches(s string) bool {
	switch w.kind {
	case kindGlob:
		return glob(w.text, s)
	case kindSuffix:
		return len(s) > len(w.text) && fold(w.text, s[len(s)-len(w.text):])
	case kindPrefix:
		return len(s) >= len(w.text) && fold(w.text, s[:len(w.text)])
	case kindAll:
		return true
	case kindKnown:
		return !fold(s, Unknown)
	case kindAddress:
		a, err := netip.ParseAddr(s)
		return err == nil && a.Is6() && sameAddr(w.addr, a)
	case kindNever:
		return false
	}
	return fold(w.text, s)
}

// sameAddr compares zones only if the pattern has one.
func sameAddr(pattern, a netip.Addr) bool {
	if pattern.Zone() == "" {
		a = a.WithZone("")
	}
	return pattern == a
}

// glob matches * and ?, without regard to ASCII case, in time proportional to len(p)*len(s) at worst. As in libwrap
// several stars at the end stand for at least one character.
func glob(p, s string) bool {
	if end := strings.TrimRight(p, "*"); len(p)-len(end) >= 2 {
		p = end + "?*"
	}
	star, from := -1, 0 // the last star, and where what follows it was tried
	i, j := 0, 0
	for j < len(s) {
		switch {
		case i < len(p) && p[i] == '*':
			star, from = i, j
			i++
		case i < len(p) && (p[i] == '?' || lower(p[i]) == lower(s[j])):
			i, j = i+1, j+1
		case star >= 0:
			from++
			i, j = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(p[i:], "*") == ""
}

// hostPattern is a pattern for a host, by its address or its name.
type hostPattern struct {
	kind hostKind
	word *word    // hostWord
	name bool     // hostWord: it could be a name
	set  *hostSet // hostFile
	mask func(netip.Addr) bool
}

type hostKind uint8

const (
	hostWord hostKind = iota
	hostNetgroup
	hostFile
	hostKnown
	hostLocal
	hostMask
)

func newHostPattern(w string, open func(string) *hostSet, note func(string, ...any)) *hostPattern {
	switch {
	case strings.HasPrefix(w, "@"):
		note("%s: netgroups are not supported, so this matches nobody", w)
		return &hostPattern{kind: hostNetgroup}
	case strings.HasPrefix(w, "/"):
		return &hostPattern{kind: hostFile, set: open(w)}
	case fold(w, "KNOWN"):
		return &hostPattern{kind: hostKnown}
	case fold(w, "LOCAL"):
		return &hostPattern{kind: hostLocal}
	}
	if net, mask, ok := cut(w, '/'); ok {
		match, why := newMask(net, mask)
		if why != "" {
			note("%s matches nobody: %s", w, why)
		}
		return &hostPattern{kind: hostMask, mask: match}
	}
	p := &hostPattern{word: newWord(w), name: strings.Trim(w, "0123456789./") != ""}
	if p.word.kind == kindAddress || p.word.kind == kindNever {
		p.name = false // no name is an address
	}
	if p.word.kind == kindNever {
		note("%s matches nobody: there is no IPv6 address in the brackets", w)
	}
	return p
}

// newMask is NET/MASK. why is set if nothing can match.
func newMask(net, mask string) (match func(netip.Addr) bool, why string) {
	never := func(netip.Addr) bool { return false }
	if len(net) >= 2 && net[0] == '[' && net[len(net)-1] == ']' {
		a, err := netip.ParseAddr(net[1 : len(net)-1])
		bits := atoi(mask)
		switch {
		case err != nil || !a.Is6():
			return never, "there is no IPv6 address in the brackets"
		case bits < 0 || bits > 128:
			return never, "the prefix is not from 0 to 128"
		}
		zone, prefix := a.Zone(), netip.PrefixFrom(a.WithZone(""), bits).Masked()
		return func(a netip.Addr) bool {
			return a.Is6() && !a.Is4In6() && (zone == "" || a.Zone() == zone) && prefix.Contains(a.WithZone(""))
		}, ""
	}
	n, ok := quad(net)
	if !ok {
		return never, "the network is not of the form n.n.n.n"
	}
	m, ok := quad(mask)
	if !ok {
		bits := atoi(mask)
		if bits < 1 || bits > 32 {
			return never, "the mask is neither a netmask nor a length from 1 to 32"
		}
		m = ^uint32(0) << (32 - bits)
	}
	if n&m != n {
		return never, "the network has bits that the mask leaves out"
	}
	return func(a netip.Addr) bool {
		if !a.Is4() {
			return false
		}
		b := a.As4()
		return (uint32(b[0])<<24|uint32(b[1])<<16|uint32(b[2])<<8|uint32(b[3]))&m == n
	}, ""
}

// quad is inet_addr(3) of four numbers, which may be octal or hexadecimal; 255.255.255.255 is none.
func quad(s string) (uint32, bool) {
	parts := strings.Split(s, ".")
	if len(parts) != 4 {
		return 0, false
	}
	var n uint32
	for _, p := range parts {
		if strings.ContainsAny(p, "_+-bBoO") && !strings.HasPrefix(strings.ToLower(p), "0x") || strings.Contains(p, "_") {
			return 0, false
		}
		b, err := strconv.ParseUint(p, 0, 8)
		if err != nil {
			return 0, false
		}
		n = n<<8 | uint32(b)
	}
	return n, n != ^uint32(0)
}

// atoi is C's: digits up to what is none.
func atoi(s string) int {
	n, negative := 0, strings.HasPrefix(s, "-")
	s = strings.TrimLeft(s, "+-")
	for i := 0; i < len(s) && '0' <= s[i] && s[i] <= '9'; i++ {
		n = min(n*10+int(s[i]-'0'), 1<<20)
	}
	if negative {
		return -n
	}
	return n
}

// hostSet is the patterns of a file: separated by blanks, one of which must match. What is a plain IPv4 address is looked up.
type hostSet struct {
	addrs    map[string]struct{}
	patterns []*hostPattern
}

func newHostSet(text []byte, open func(string) *hostSet, note func(string, ...any)) *hostSet {
	s := &hostSet{}
	for w := range strings.FieldsSeq(string(text)) {
		if a, err := netip.ParseAddr(w); err == nil && a.Is4() && a.String() == w {
			if s.addrs == nil {
				s.addrs = make(map[string]struct{})
			}
			s.addrs[w] = struct{}{}
			continue
		}
		s.patterns = append(s.patterns, newHostPattern(w, open, note))
	}
	return s
}
