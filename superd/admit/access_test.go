package admit

import (
	"net/netip"
	"strings"
	"testing"

	"superd/superd/config"
)

// rules turns "10.0.0.0/8 ::1 host.example .example" into rules.
func rules(words string) (rs []config.Rule) {
	for _, w := range strings.Fields(words) {
		r := config.Rule{Word: w}
		if p, err := netip.ParsePrefix(w); err == nil {
			r.Prefix = p
		} else if a, err := netip.ParseAddr(w); err == nil {
			r.Prefix = netip.PrefixFrom(a, a.BitLen())
		} else {
			r.Name = w
		}
		rs = append(rs, r)
	}
	return rs
}

// lists makes an Access; only "-" leaves only_from unset.
func lists(only, no string) config.Access {
	if only == "-" {
		return config.Access{NoAccess: rules(no)}
	}
	return config.Access{Restricted: true, OnlyFrom: rules(only), NoAccess: rules(no)}
}

func TestAccess(t *testing.T) {
	for _, tt := range []struct {
		only, no string
		addr     string // "" unknown
		names    string
		want     bool
	}{
		{"-", "", "192.0.2.1", "", true},
		{"", "", "192.0.2.1", "", false},
		{"", "", "", "", true},
		{"10.0.0.0/8", "0.0.0.0/0", "", "", true},

		{"192.0.2.0/24", "", "192.0.2.255", "", true},
		{"192.0.2.0/24", "", "192.0.3.0", "", false},
		{"192.0.2.77/24", "", "192.0.2.1", "", true}, // host bits do not matter
		{"-", "192.0.2.0/24", "192.0.2.1", "", false},
		{"-", "192.0.2.0/24", "192.0.3.1", "", true},
		{"2001:db8::/32", "", "2001:db8:1::1", "", true},
		{"2001:db8::/32", "", "2001:db9::1", "", false},

		// The most specific rule wins, whichever list it stands in.
		{"10.1.0.0/16", "10.0.0.0/8", "10.1.2.3", "", true},
		{"10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "", false},
		{"10.1.0.0/16 10.1.2.3", "10.0.0.0/8 10.1.2.0/24", "10.1.2.3", "", true},
		{"10.1.0.0/16 10.1.2.3", "10.0.0.0/8 10.1.2.0/24", "10.1.2.4", "", false},
		{"0.0.0.0/0", "10.0.0.0/8", "10.1.2.3", "", false},
		{"-", "10.0.0.0/8", "11.0.0.1", "", true},

		// A tie denies.
		{"10.0.0.0/8", "10.0.0.0/8", "10.1.2.3", "", false},
		{"10.0.0.0/8", "10.9.9.9/8", "10.1.2.3", "", false},
		{"::1", "::1", "::1", "", false},

		// The families are apart; a mapped address is IPv4, a zone says nothing.
		{"::/0", "", "192.0.2.1", "", false},
		{"0.0.0.0/0", "", "::1", "", false},
		{"192.0.2.0/24", "", "::ffff:192.0.2.1", "", true},
		{"::/0", "", "::ffff:192.0.2.1", "", false},
		{"fe80::/10", "", "fe80::1%eth0", "", true},
		{"fe80::1", "", "fe80::1%eth0", "", true},

		// Names.
		{"good.example.org", "", "192.0.2.1", "good.example.org", true},
		{"good.example.org", "", "192.0.2.1", "bad.example.org", false},
		{"good.example.org", "", "192.0.2.1", "", false},
		{"good.example.org", "", "192.0.2.1", "alias.example.org good.example.org", true},
		{"good.example.org", "", "192.0.2.1", "very.good.example.org", false},
		{".example.org", "", "192.0.2.1", "a.example.org", true},
		{".example.org", "", "192.0.2.1", "a.b.example.org", true},
		{".example.org", "", "192.0.2.1", "example.org", false},
		{".example.org", "", "192.0.2.1", "badexample.org", false},
		{".org", "", "192.0.2.1", "a.b.example.org", true},
		{".org", ".example.org", "192.0.2.1", "a.example.org", false},
		{".example.org", ".org", "192.0.2.1", "a.example.org", true},
		{".example.org", ".org", "192.0.2.1", "a.example.org b.example.net", true},
		{".example.org", "b.example.net", "192.0.2.1", "a.example.org b.example.net", false},
		{".b.example.org", ".net", "192.0.2.1", "a.b.example.org a.net", true},
		{".net", ".b.example.org", "192.0.2.1", "a.b.example.org a.net", false},
		{"a.example.org", "a.example.org", "192.0.2.1", "a.example.org", false},
		{".a.org", ".b.org", "192.0.2.1", "x.a.org x.b.org", false}, // a tie between two names

		// Across kinds: a name is as good as a single address, a domain is below all but the whole family.
		{"192.0.2.1", "a.example.org", "192.0.2.1", "a.example.org", false},
		{"a.example.org", "192.0.2.0/31", "192.0.2.1", "a.example.org", true},
		{"a.example.org", "192.0.2.1", "192.0.2.1", "a.example.org", false},
		{".example.org", "128.0.0.0/1", "192.0.2.1", "a.example.org", false},
		{"128.0.0.0/1", ".a.b.c.d.e.f.g.h.example.org", "192.0.2.1", "x.a.b.c.d.e.f.g.h.example.org", true},
		{".org", "0.0.0.0/0", "192.0.2.1", "a.example.org", true},
		{"::/0", ".org", "2001:db8::1", "a.example.org", false},
	} {
		a := newAccess(lists(tt.only, tt.no))
		var addr netip.Addr
		if tt.addr != "" {
			addr = netip.MustParseAddr(tt.addr).Unmap()
		}
		if got := a.admits(addr, strings.Fields(tt.names)); got != tt.want {
			t.Errorf("only_from %q, no_access %q: %q (%s) is %v, want %v", tt.only, tt.no, tt.addr, tt.names, got, tt.want)
		}
	}
}

func TestNeedsNames(t *testing.T) {
	for _, tt := range []struct {
		only, no string
		addr     string
		want     bool
	}{
		{"-", "", "192.0.2.1", false},
		{"10.0.0.0/8", "10.1.0.0/16", "192.0.2.1", false},
		{"a.example", "", "192.0.2.1", true},
		{"a.example", "", "", false},
		{"-", "a.example", "192.0.2.1", true},
		{"192.0.2.0/24 a.example", "", "192.0.2.1", false}, // in already
		{"192.0.2.0/24 a.example", "", "192.0.3.1", true},
		{"a.example", "192.0.2.1", "192.0.2.1", false},   // a name can only tie, and a tie denies
		{"192.0.2.1", "a.example", "192.0.2.1", true},    // here the tie does deny
		{".example", "192.0.2.0/24", "192.0.2.1", false}, // a domain cannot beat a prefix
		{"192.0.2.0/24", ".example", "192.0.2.1", false}, // nor the other way round
		{".example a.example", "192.0.2.0/24", "192.0.2.1", true},
		{"0.0.0.0/0", ".example", "192.0.2.1", true},
	} {
		var addr netip.Addr
		if tt.addr != "" {
			addr = netip.MustParseAddr(tt.addr)
		}
		if got := newAccess(lists(tt.only, tt.no)).needsNames(addr); got != tt.want {
			t.Errorf("only_from %q, no_access %q: needsNames(%q) is %v, want %v", tt.only, tt.no, tt.addr, got, tt.want)
		}
	}
}
