package selinux

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]context{
		"system_u:system_r:inetd_t:s0-s0:c0.c1023\x00": {"system_u", "system_r", "inetd_t", "s0-s0:c0.c1023"},
		"u:r:t:s0:c1,c2": {"u", "r", "t", "s0:c1,c2"},
		"u:r:t:s0":       {"u", "r", "t", "s0"},
		"u:r:t":          {"u", "r", "t", ""},
	} {
		c, err := parse([]byte(text))
		if err != nil || c != want || c.String() != strings.TrimRight(text, "\x00") {
			t.Errorf("%q: %+v, %v", text, c, err)
		}
	}
	for _, text := range []string{
		"", "\x00", "kernel", "u:r", "u:r:", ":r:t:s0", "u::t:s0", "u:r:t:", "u:r:t:s0 u:r:t", "u:r:t:s0\n", "u:r:t:s0\x00more", "u:r:t:s0\x00\x00",
		"u:r:t:s0\t", "u:r:t\u00e9:s0", "u:r:t:" + strings.Repeat("c", longest),
	} {
		if c, err := parse([]byte(text)); err == nil {
			t.Errorf("%.50q is %+v", text, c)
		}
	}
}

func TestWith(t *testing.T) {
	own := context{"system_u", "system_r", "inetd_t", "s0-s0:c0.c1023"}
	for _, c := range []struct{ own, peer, want string }{
		{"system_u:system_r:inetd_t:s0-s0:c0.c1023", "other_u:object_r:netlabel_peer_t:s0:c1", "system_u:system_r:inetd_t:s0:c1"},
		{"system_u:system_r:inetd_t", "u:r:t:s1-s2:c3", "system_u:system_r:inetd_t:s1-s2:c3"},
	} {
		own, _ := parse([]byte(c.own))
		peer, _ := parse([]byte(c.peer))
		if got, err := own.with(peer); err != nil || got.String() != c.want {
			t.Errorf("%s with %s: %s, %v", c.own, c.peer, got, err)
		}
	}
	if got, err := own.with(context{"u", "r", "t", ""}); err == nil || !strings.Contains(err.Error(), "u:r:t: it has no range") {
		t.Errorf("%s, %v", got, err)
	}
	own.user = strings.Repeat("u", longest/2)
	if _, err := own.with(context{"u", "r", "t", strings.Repeat("c", longest/2)}); err == nil {
		t.Error("two long halves fit")
	}
}

// What parses is one word that says what it was read from, and never another question.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"system_u:system_r:inetd_t:s0-s0:c0.c1023\x00", "u:r:t", "u:r:t:s0 u:r:t 2", ":::", "u:r:t:s0\x00u"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := parse(text)
		if err != nil {
			return
		}
		if s := c.String(); s != strings.TrimSuffix(string(text), "\x00") || len(strings.Fields(s)) != 1 || len(s) > longest {
			t.Errorf("%q is %q", text, s)
		}
		if again, err := parse([]byte(c.String())); err != nil || again != c {
			t.Errorf("%q: %+v, then %+v, %v", text, c, again, err)
		}
		other := context{"u", "r", "t", "s0:c1"}
		if d, err := other.with(c); err == nil && (d.levels != c.levels || d.kind != "t") {
			t.Errorf("%+v with %+v: %+v", other, c, d)
		}
	})
}
