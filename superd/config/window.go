package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// everyDay is Window.Days with all seven set.
const everyDay = 1<<7 - 1

var weekdays = [...]string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

// parseWindow reads "08:00-18:00", "22:00-06:00" (over midnight), "mon-fri 08:00-18:00" or "sat,sun 10:00-24:00".
func parseWindow(text string) (Window, error) {
	fields := strings.Fields(text)
	w := Window{Days: everyDay}
	var err error
	switch len(fields) {
	case 1:
	case 2:
		if w.Days, err = parseDays(fields[0]); err != nil {
			return Window{}, err
		}
	default:
		return Window{}, errors.New(`a window is "08:00-18:00" or "mon-fri 08:00-18:00", without blanks around the dash`)
	}
	from, to, ok := strings.Cut(fields[len(fields)-1], "-")
	if !ok {
		return Window{}, errors.New(`a window has two times with a dash between: "08:00-18:00"`)
	}
	if w.From, err = parseMinute(from); err != nil {
		return Window{}, err
	}
	if w.To, err = parseMinute(to); err != nil {
		return Window{}, err
	}
	const midnight = 24 * 60
	if w.From == midnight {
		return Window{}, errors.New("24:00 can only be an end; as a start write 00:00")
	}
	w.To = min(w.To, midnight-1) // a window includes its last minute
	return w, nil
}

// parseMinute reads H:MM, up to 24:00, as minutes since midnight.
func parseMinute(s string) (int, error) {
	h, m, ok := strings.Cut(s, ":")
	hour, err1 := strconv.ParseUint(h, 10, 8)
	minute, err2 := strconv.ParseUint(m, 10, 8)
	if !ok || err1 != nil || err2 != nil || len(m) != 2 || len(h) > 2 || minute > 59 || hour > 24 || hour == 24 && minute > 0 {
		return 0, fmt.Errorf("%q is not a time from 00:00 to 24:00", s)
	}
	return int(hour*60 + minute), nil
}

// parseDays reads "mon", "mon-fri", "sat,sun" or "fri-mon" as a set of bits.
func parseDays(s string) (uint8, error) {
	var days uint8
	for part := range strings.SplitSeq(s, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		a, err := parseDay(first)
		if err != nil {
			return 0, err
		}
		b, err := parseDay(last)
		if err != nil {
			return 0, err
		}
		for d := a; ; d = (d + 1) % 7 {
			days |= 1 << d
			if d == b {
				break
			}
		}
	}
	return days, nil
}

func parseDay(s string) (int, error) {
	for i, name := range weekdays {
		if len(s) >= 3 && strings.HasPrefix(name, strings.ToLower(s)) {
			return i, nil
		}
	}
	short := make([]string, len(weekdays))
	for i, name := range weekdays {
		short[i] = name[:3]
	}
	return 0, fmt.Errorf("%q is not a weekday (%s)", s, strings.Join(short, ", "))
}
