package admit

import (
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// BansMax is how many sources can be banned at once. Beyond that, the ban that ends first makes room.
const BansMax = 10240

// Bans are the sources that a sensor has caught. They are kept out of every service that is no sensor. Times are those of the
// wall clock, since bans outlive the daemon. The zero value is empty; all methods may be called from several goroutines.
type Bans struct {
	count atomic.Int32 // of bans, so that asking costs nothing while there are none

	mu      sync.Mutex
	bans    map[netip.Prefix]*Ban
	lengths []int // of the prefixes in bans; some may be left over
}

// Ban is one source that is kept out.
type Ban struct {
	Source netip.Prefix
	Sensor string    // the id of the service that caught it
	Since  time.Time // the first time
	Until  time.Time // zero: for ever
	Hits   int       // how often it was caught
}

func (b *Ban) over(now time.Time) bool { return !b.Until.IsZero() && !now.Before(b.Until) }

// Add bans a source, for ever if d is negative, and returns the ban as it is then. One that is banned already is banned for
// as long again, unless it would be for less. It reports whether the source was not banned before.
func (s *Bans) Add(source netip.Prefix, sensor string, d time.Duration, now time.Time) (Ban, bool) {
	until := time.Time{}
	if d >= 0 {
		until = now.Round(0).Add(d)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.bans[source]
	fresh := b == nil || b.over(now)
	if fresh {
		b = &Ban{Source: source, Sensor: sensor, Since: now.Round(0), Until: until}
		s.putLocked(b, now)
	}
	b.Hits++
	if !b.Until.IsZero() && (until.IsZero() || until.After(b.Until)) {
		b.Until, b.Sensor = until, sensor
	}
	return *b, fresh
}

// Restore takes up a ban of an earlier daemon, unless it is over or the source has one that lasts longer.
func (s *Bans) Restore(b Ban, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.bans[b.Source]
	if b.over(now) || was != nil && (was.Until.IsZero() || !b.Until.IsZero() && was.Until.After(b.Until)) {
		return
	}
	s.putLocked(&b, now)
}

func (s *Bans) putLocked(b *Ban, now time.Time) {
	if s.bans == nil {
		s.bans = map[netip.Prefix]*Ban{}
	}
	if s.bans[b.Source] == nil && len(s.bans) >= BansMax {
		s.makeRoomLocked(now)
	}
	s.bans[b.Source] = b
	if !slices.Contains(s.lengths, b.Source.Bits()) {
		s.lengths = append(s.lengths, b.Source.Bits())
	}
	s.count.Store(int32(len(s.bans)))
}

// makeRoomLocked forgets what is over, or else the ban that ends first.
func (s *Bans) makeRoomLocked(now time.Time) {
	var first *Ban
	for source, b := range s.bans {
		switch {
		case b.over(now):
			delete(s.bans, source)
		case first == nil, first.Until.IsZero() && !b.Until.IsZero(), !b.Until.IsZero() && b.Until.Before(first.Until):
			first = b
		}
	}
	if len(s.bans) >= BansMax {
		delete(s.bans, first.Source)
	}
}

// Find returns the ban that keeps addr out, if there is one.
func (s *Bans) Find(addr netip.Addr, now time.Time) (Ban, bool) {
	if s.count.Load() == 0 || !addr.IsValid() {
		return Ban{}, false
	}
	addr = addr.Unmap().WithZone("")
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, bits := range s.lengths {
		p, err := addr.Prefix(bits)
		if err != nil { // longer than an IPv4 address
			continue
		}
		if b := s.bans[p]; b != nil && !b.over(now) {
			return *b, true
		}
	}
	return Ban{}, false
}

// List returns the bans that are in force, the newest first, and forgets those that are over.
func (s *Bans) List(now time.Time) []Ban {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Ban
	s.lengths = nil
	for source, b := range s.bans {
		if b.over(now) {
			delete(s.bans, source)
			continue
		}
		all = append(all, *b)
		if !slices.Contains(s.lengths, source.Bits()) {
			s.lengths = append(s.lengths, source.Bits())
		}
	}
	s.count.Store(int32(len(s.bans)))
	slices.SortFunc(all, func(a, b Ban) int {
		if c := b.Since.Compare(a.Since); c != 0 {
			return c
		}
		return a.Source.Addr().Compare(b.Source.Addr())
	})
	return all
}

// Lift ends the bans of sources that have an address in common with p, and returns how many those were.
func (s *Bans) Lift(p netip.Prefix) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for source := range s.bans {
		if source.Overlaps(p) {
			delete(s.bans, source)
			n++
		}
	}
	s.count.Store(int32(len(s.bans)))
	return n
}

// LiftAll ends all bans.
func (s *Bans) LiftAll() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.bans)
	s.bans, s.lengths = nil, nil
	s.count.Store(0)
	return n
}
