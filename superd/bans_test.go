package superd

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"superd/superd/admit"
)

// banBookIn is a book in a folder, and what it has warned of.
func banBookIn(t *testing.T, dir string) (*banBook, *[]string) {
	t.Helper()
	var warned []string
	b := &banBook{warn: func(err error) { warned = append(warned, err.Error()) }}
	b.keepIn(dir)
	return b, &warned
}

func TestBansOutliveTheDaemon(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "by", "it")
	now := time.Now()
	first, warned := banBookIn(t, dir)
	first.Add(netip.MustParsePrefix("192.0.2.7/32"), "trap", time.Hour, now)
	first.Add(netip.MustParsePrefix("2001:db8::/64"), "other", -1, now)
	first.Add(netip.MustParsePrefix("2001:db8::/64"), "other", -1, now)
	first.save()
	first.close()
	first.save() // too late, and no harm
	if len(*warned) > 0 {
		t.Errorf("warned of %q", *warned)
	}
	info, err := os.Stat(filepath.Join(dir, banFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("left behind: %v", files)
	}
	second, _ := banBookIn(t, dir)
	list := second.List(now)
	if len(list) != 2 {
		t.Fatalf("%+v", list)
	}
	for _, ban := range list {
		switch ban.Sensor {
		case "trap":
			if d := ban.Until.Sub(now); d < time.Hour || d > time.Hour+2*time.Second || ban.Hits != 1 {
				t.Errorf("%+v", ban)
			}
		case "other":
			if !ban.Until.IsZero() || ban.Hits != 2 {
				t.Errorf("%+v", ban)
			}
		}
	}
}

func TestBansThatCannotBeKept(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, banFile), 0o755); err != nil {
		t.Fatal(err)
	}
	b, warned := banBookIn(t, dir)
	b.Add(netip.MustParsePrefix("192.0.2.7/32"), "trap", time.Hour, time.Now())
	b.save()
	b.close()
	if text := strings.Join(*warned, "\n"); !strings.Contains(text, "is no regular file") || !strings.Contains(text, "bans are not kept") {
		t.Errorf("warned of %q", text)
	}
	if len(b.List(time.Now())) != 1 {
		t.Error("the ban is gone")
	}
}

// Whatever stands in a file, a ban that is read is one that could have been written.
func FuzzParseBan(f *testing.F) {
	f.Add("192.0.2.7/32 0 1700000000 1 trap")
	f.Add("2001:db8::/64 1900000000 1700000000 99 a-b")
	f.Add("::/0 0 0 0 x y")
	f.Fuzz(func(t *testing.T, line string) {
		ban, err := parseBan(line)
		if err != nil {
			return
		}
		again, err := parseBan(strings.TrimSuffix(formatBan(&ban), "\n"))
		if err != nil || again.Source != ban.Source || again.Sensor != ban.Sensor || again.Hits != ban.Hits || again.Until.IsZero() != ban.Until.IsZero() {
			t.Errorf("%q: %+v and %+v, %v", line, ban, again, err)
		}
		var s admit.Bans
		s.Restore(ban, time.Unix(0, 0))
		if _, ok := s.Find(ban.Source.Addr(), time.Unix(0, 0)); !ok && !ban.Until.IsZero() && ban.Until.After(time.Unix(0, 0)) {
			t.Errorf("%q is not found", line)
		}
	})
}
