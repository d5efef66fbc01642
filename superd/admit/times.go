package admit

import (
	"time"

	"superd/superd/config"
)

// times are the windows of access_times; none: always open.
type times []config.Window

// open reports whether t, read as the wall clock of its own location, lies in one of the windows.
// Only the clock's face counts: an hour that daylight saving repeats is open twice, one that it skips never.
func (ts times) open(t time.Time) bool {
	if len(ts) == 0 {
		return true
	}
	day, minute := t.Weekday(), t.Hour()*60+t.Minute()
	for _, w := range ts {
		if within(w, day, minute) {
			return true
		}
	}
	return false
}

// within takes a window over midnight as two: its evening, and the morning that belongs to the day before.
func within(w config.Window, day time.Weekday, minute int) bool {
	if w.From <= w.To {
		return on(w, day) && w.From <= minute && minute <= w.To
	}
	yesterday := (day + 6) % 7
	return on(w, day) && minute >= w.From || on(w, yesterday) && minute <= w.To
}

func on(w config.Window, day time.Weekday) bool { return w.Days&(1<<day) != 0 }
