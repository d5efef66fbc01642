package socket

import "net/netip"

// A stray is a datagram that reached a new connected socket in the microseconds between bind(2) and connect(2),
// when that was everybody's. It belongs to the listener's queue, where nothing can put it back; so Recv gives it
// out first.
type stray struct {
	data []byte
	peer netip.AddrPort
	to   Destination
}

// maxStrays bounds what is kept for Recv; more is dropped, as from a full queue.
const maxStrays = 64

// addStray keeps d and wakes a parked Recv.
func (s *Socket) addStray(d stray) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.strays) < maxStrays {
		s.strays = append(s.strays, d)
		s.rearmLocked()
	}
}

func (s *Socket) takeStray() (stray, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.strays) == 0 || s.interrupted || s.closed {
		return stray{}, false
	}
	d := s.strays[0]
	s.strays[0] = stray{}
	if s.strays = s.strays[1:]; len(s.strays) == 0 {
		s.strays = nil
	}
	return d, true
}
