package admit

import (
	"testing"
	"time"

	"superd/superd/config"
)

const (
	everyDay = 0x7f
	friday   = 1 << time.Friday
	saturday = 1 << time.Saturday
)

func clock(hour, minute int) int { return hour*60 + minute }

func TestTimes(t *testing.T) {
	office := config.Window{Days: everyDay, From: clock(9, 0), To: clock(17, 30)}
	fridayNight := config.Window{Days: friday, From: clock(22, 0), To: clock(2, 0)}
	saturdayNight := config.Window{Days: saturday, From: clock(22, 0), To: clock(2, 0)}
	minute := config.Window{Days: everyDay, From: clock(12, 0), To: clock(12, 0)}
	wholeDay := config.Window{Days: friday, From: clock(0, 0), To: clock(23, 59)}
	for _, tt := range []struct {
		name    string
		windows times
		at      string // 2026-11-20 is a Friday
		want    bool
	}{
		{"none", nil, "2026-11-20 03:00:00", true},
		{"before", times{office}, "2026-11-20 08:59:59", false},
		{"first minute", times{office}, "2026-11-20 09:00:00", true},
		{"last minute", times{office}, "2026-11-20 17:30:59", true},
		{"after", times{office}, "2026-11-20 17:31:00", false},
		{"second window", times{office, minute, fridayNight}, "2026-11-20 23:00:00", true},
		{"one minute", times{minute}, "2026-11-20 12:00:30", true},
		{"one minute, over", times{minute}, "2026-11-20 12:01:00", false},
		{"no day", times{{From: 0, To: 1439}}, "2026-11-20 12:00:00", false},
		{"whole day starts", times{wholeDay}, "2026-11-20 00:00:00", true},
		{"whole day ends", times{wholeDay}, "2026-11-20 23:59:59", true},
		{"whole day, next", times{wholeDay}, "2026-11-21 00:00:00", false},
		{"night, evening", times{fridayNight}, "2026-11-20 22:00:00", true},
		{"night, too early", times{fridayNight}, "2026-11-20 21:59:59", false},
		{"night, midnight", times{fridayNight}, "2026-11-21 00:00:00", true},
		{"night, its morning", times{fridayNight}, "2026-11-21 02:00:59", true},
		{"night, over", times{fridayNight}, "2026-11-21 02:01:00", false},
		{"night, the day's own morning", times{fridayNight}, "2026-11-20 01:00:00", false},
		{"night, other evening", times{fridayNight}, "2026-11-21 22:30:00", false},
		{"night, Saturday into Sunday", times{saturdayNight}, "2026-11-22 01:00:00", true},
	} {
		at, err := time.Parse(time.DateTime, tt.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := tt.windows.open(at); got != tt.want {
			t.Errorf("%s: open at %s is %v, want %v", tt.name, tt.at, got, tt.want)
		}
	}
}

// The location of the moment decides which local time it is.
func TestTimesAreLocal(t *testing.T) {
	ts := times{{Days: saturday, From: clock(1, 0), To: clock(1, 59)}}
	at := time.Date(2026, 11, 20, 23, 30, 0, 0, time.UTC)
	if ts.open(at) {
		t.Error("open on Friday 23:30 UTC")
	}
	if !ts.open(at.In(time.FixedZone("EET", 2*60*60))) {
		t.Error("not open on Saturday 01:30 EET")
	}
}

// The wall clock decides: in the night that turns an hour back, that hour is open twice.
func TestTimesRepeatedHour(t *testing.T) {
	ts := times{{Days: everyDay, From: clock(2, 0), To: clock(2, 59)}}
	summer, winter := time.FixedZone("CEST", 2*60*60), time.FixedZone("CET", 1*60*60)
	at := time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC)
	for _, tt := range []time.Time{at.In(summer), at.Add(time.Hour).In(winter)} {
		if !ts.open(tt) {
			t.Errorf("not open at %s", tt)
		}
	}
}
