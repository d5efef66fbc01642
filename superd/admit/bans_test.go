package admit

import (
	"net/netip"
	"testing"
	"time"
)

func TestBans(t *testing.T) {
	var s Bans
	now := time.Now()
	four, six := netip.MustParsePrefix("192.0.2.7/32"), netip.MustParsePrefix("2001:db8:1:2::/64")
	find := func(addr string, at time.Time) bool {
		_, ok := s.Find(netip.MustParseAddr(addr), at)
		return ok
	}
	if find("192.0.2.7", now) {
		t.Error("banned from the start")
	}
	if b, fresh := s.Add(four, "trap", time.Minute, now); !fresh || b.Hits != 1 {
		t.Errorf("%+v, fresh %v", b, fresh)
	}
	s.Add(six, "trap", -1, now)
	for addr, want := range map[string]bool{
		"192.0.2.7": true, "::ffff:192.0.2.7": true, "192.0.2.8": false, "2001:db8:1:2:3::4": true, "2001:db8:1:3::": false,
	} {
		if find(addr, now) != want {
			t.Errorf("%s: %v", addr, !want)
		}
	}
	if _, ok := s.Find(netip.Addr{}, now); ok {
		t.Error("nobody is banned")
	}
	later := now.Add(50 * time.Second)
	if b, fresh := s.Add(four, "other", time.Minute, later); fresh || b.Hits != 2 || !b.Until.Equal(later.Round(0).Add(time.Minute)) || !b.Since.Equal(now.Round(0)) {
		t.Errorf("refreshed: %+v, fresh %v", b, fresh)
	}
	if b, _ := s.Add(four, "short", time.Second, later); !b.Until.Equal(later.Round(0).Add(time.Minute)) {
		t.Errorf("a short ban has shortened it: %+v", b)
	}
	if !find("192.0.2.7", now.Add(time.Minute)) || find("192.0.2.7", later.Add(time.Minute)) {
		t.Error("it does not end when the repetition says")
	}
	if list := s.List(later.Add(time.Hour)); len(list) != 1 || list[0].Source != six {
		t.Errorf("listed: %+v", list)
	}
	if n := s.Lift(netip.MustParsePrefix("2001:db8:1:2::99/128")); n != 1 || find("2001:db8:1:2::", later) {
		t.Errorf("%d lifted", n)
	}
	s.Add(four, "trap", time.Minute, now)
	if n := s.LiftAll(); n != 1 || find("192.0.2.7", now) {
		t.Errorf("%d lifted", n)
	}
}

func TestBansAreBounded(t *testing.T) {
	var s Bans
	now := time.Now()
	addr := netip.MustParseAddr("10.0.0.0")
	for i := range BansMax + 100 {
		addr = addr.Next()
		s.Add(netip.PrefixFrom(addr, 32), "trap", time.Duration(i+1)*time.Minute, now)
	}
	if n := len(s.List(now)); n != BansMax {
		t.Errorf("%d bans", n)
	}
	if _, ok := s.Find(netip.MustParseAddr("10.0.0.1"), now); ok {
		t.Error("what ends first was kept")
	}
	if _, ok := s.Find(addr, now); !ok {
		t.Error("the last one is not there")
	}
}

func TestBansRestored(t *testing.T) {
	var s Bans
	now := time.Now()
	p := netip.MustParsePrefix("192.0.2.7/32")
	s.Restore(Ban{Source: p, Sensor: "a", Until: now.Add(-time.Second)}, now)
	if len(s.List(now)) != 0 {
		t.Error("an old ban is back")
	}
	s.Restore(Ban{Source: p, Sensor: "a", Since: now, Hits: 3}, now)
	s.Restore(Ban{Source: p, Sensor: "b", Since: now, Until: now.Add(time.Hour)}, now)
	if l := s.List(now); len(l) != 1 || l[0].Sensor != "a" || !l[0].Until.IsZero() {
		t.Errorf("%+v", l)
	}
}

func BenchmarkNoBans(b *testing.B) {
	var s Bans
	addr, now := netip.MustParseAddr("192.0.2.7"), time.Now()
	for b.Loop() {
		s.Find(addr, now)
	}
}

func BenchmarkFullBans(b *testing.B) {
	var s Bans
	now := time.Now()
	addr := netip.MustParseAddr("10.0.0.0")
	for range BansMax {
		addr = addr.Next()
		s.Add(netip.PrefixFrom(addr, 32), "trap", time.Hour, now)
	}
	other := netip.MustParseAddr("192.0.2.7")
	for b.Loop() {
		s.Find(other, now)
	}
}
