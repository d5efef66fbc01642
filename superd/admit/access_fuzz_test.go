package admit

import (
	"net/netip"
	"strings"
	"testing"

	"superd/superd/config"
)

// naiveAdmits is the contract of access written down rule by rule, without any index.
func naiveAdmits(c config.Access, addr netip.Addr, names []string) bool {
	best, allowed := -1, !c.Restricted
	consider := func(specificity int, allow bool) {
		switch {
		case specificity > best:
			best, allowed = specificity, allow
		case specificity == best && !allow:
			allowed = false
		}
	}
	for i, list := range [][]config.Rule{c.OnlyFrom, c.NoAccess} {
		for _, r := range list {
			if s, ok := naiveMatch(r, addr, names); ok {
				consider(s, i == 0)
			}
		}
	}
	return allowed
}

func naiveMatch(r config.Rule, addr netip.Addr, names []string) (specificity int, ok bool) {
	if r.Prefix.IsValid() {
		switch bits := r.Prefix.Bits(); bits {
		case 0:
			return 0, r.Prefix.Contains(addr)
		case addr.BitLen():
			return 10_000, r.Prefix.Contains(addr)
		default:
			return 1_000 + bits, r.Prefix.Contains(addr)
		}
	}
	for _, n := range names {
		if n == r.Name {
			return 10_000, true
		}
		if strings.HasPrefix(r.Name, ".") && strings.HasSuffix(n, r.Name) {
			return strings.Count(r.Name, "."), true
		}
	}
	return 0, false
}

// bits deals out the fuzzer's bytes, zeros when they are used up.
type bits []byte

func (b *bits) next() byte {
	if len(*b) == 0 {
		return 0
	}
	c := (*b)[0]
	*b = (*b)[1:]
	return c
}

// addr deals an address out of few, so that rules and peers meet.
func (b *bits) addr() netip.Addr {
	c := b.next()
	if c&1 == 0 {
		return netip.AddrFrom4([4]byte{10, c >> 6, c >> 4 & 3, c >> 1 & 7})
	}
	return netip.AddrFrom16([16]byte{0x20, 1, 7: c >> 6, 15: c >> 1 & 7})
}

func (b *bits) name() string {
	labels := []string{"a", "b", "c", "d"}
	c := b.next()
	name := labels[c&3]
	for range c >> 6 {
		c >>= 2
		name += "." + labels[c&3]
	}
	return name
}

func (b *bits) rule() config.Rule {
	c := b.next()
	switch c & 3 {
	case 0:
		return config.Rule{Name: b.name()}
	case 1:
		return config.Rule{Name: "." + b.name()}
	}
	addr := b.addr()
	length := []int{0, 1, 8, 16, 24, 30, 32, 127, 64, 31}[c>>2%10]
	if c>>6 == 0 || length > addr.BitLen() {
		length = addr.BitLen()
	}
	return config.Rule{Prefix: netip.PrefixFrom(addr, length)}
}

func (b *bits) access() (c config.Access) {
	shape := b.next()
	c.Restricted = shape&1 == 0
	for range shape >> 1 & 7 {
		c.OnlyFrom = append(c.OnlyFrom, b.rule())
	}
	for range shape >> 4 & 7 {
		c.NoAccess = append(c.NoAccess, b.rule())
	}
	return c
}

func FuzzAccess(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x26\x02\x10\x01\x42\xc6\x12\x42\x08\x00\x43\x12\x01\x02"))
	f.Add([]byte("superd decides before the fork, not after it"))
	f.Fuzz(func(t *testing.T, data []byte) {
		b := bits(data)
		c := b.access()
		a := newAccess(c)
		for len(b) > 0 {
			addr := b.addr()
			var names []string
			for range b.next() & 3 {
				names = append(names, b.name())
			}
			got := a.admits(addr, names)
			if want := naiveAdmits(c, addr, names); got != want {
				t.Fatalf("%+v: %v %q is %v, want %v", c, addr, names, got, want)
			}
			if r := Judge(c, addr, names); r.Denies == got {
				t.Fatalf("%+v: %v %q: judged %+v, admits says %v", c, addr, names, r, got)
			}
			if !a.needsNames(addr) && got != a.admits(addr, nil) {
				t.Fatalf("%+v: %v needs no names, but %q change the verdict", c, addr, names)
			}
		}
	})
}
