package admit

import (
	"net/netip"
	"testing"
	"time"

	"superd/superd/config"
)

// limits deals limits that are often reached.
func (b *bits) limits() config.Limits {
	c := b.next()
	return config.Limits{
		Instances:       int(c&7) - 1,
		PerSource:       int(c>>3&3) - 1,
		PerSourcePrefix: [2]int{[]int{32, 24, 8, 0}[c>>5&3], []int{64, 128}[c>>7]},
		CPS:             config.CPS{Rate: int(b.next() & 7), Hold: time.Duration(b.next()) * 100 * time.Millisecond},
		MaxLoad:         float64(b.next() & 1),
		OnInstances:     config.Policy(b.next() % 3),
		OnPerSource:     config.Policy(b.next() % 2),
		OnCPS:           config.Policy(b.next() % 5),
	}
}

// gateModel is a gate and what a bystander can count about it.
type gateModel struct {
	*testing.T
	gate   *Gate
	limits config.Limits
	access config.Access
	slots  []Slot
	now    time.Duration

	since  time.Duration // when limits came into force
	passed int           // admitted since then
}

func (m *gateModel) retune(b *bits) {
	m.limits, m.access = b.limits(), b.access()
	m.gate.Retune(m.limits, m.access)
	m.since, m.passed = m.now, 0
}

func (m *gateModel) admit(b *bits) {
	p := Peer{}
	if c := b.next(); c != 0 {
		p.Addr = b.addr()
	}
	at := Moment{Now: start.Add(m.now), Load: float64(b.next() & 1)}
	before := m.gate.Counts()
	_, ready := m.gate.Ready(at)
	f := m.gate.Explain(p, at, at.Now)
	d := m.gate.Admit(p, at)
	if f.Verdict != d.Verdict || f.Policy != d.Policy {
		m.Fatalf("explained as %v and %v, decided as %v and %v", f.Verdict, f.Policy, d.Verdict, d.Policy)
	}
	if !ready && d.Verdict == OK {
		m.Fatal("admitted though not ready")
	}
	if ready && d.Policy == config.Queue {
		m.Fatal("told to wait though ready")
	}
	if d.Verdict == OK {
		m.admitted(p, d)
		return
	}
	if (d.Policy == config.Queue) != (d.Wait.Changed != nil) || d.Policy > config.Queue {
		m.Fatalf("%v with policy %v and wait %+v", d.Verdict, d.Policy, d.Wait)
	}
	if c := m.gate.Counts(); d.Slot != (Slot{}) || c.Running != before.Running || c.Sources != before.Sources {
		m.Fatalf("%v changed %+v to %+v", d.Verdict, before, c)
	}
}

func (m *gateModel) admitted(p Peer, d Decision) {
	m.slots = append(m.slots, d.Slot)
	m.passed++
	l := m.limits
	if l.Instances >= 0 && len(m.slots) > l.Instances {
		m.Fatalf("%d running, instances is %d", len(m.slots), l.Instances)
	}
	if n := m.sameSource(d.Slot); p.Addr.IsValid() && l.PerSource >= 0 && n > l.PerSource {
		m.Fatalf("%d of %v running, per_source is %d", n, d.Slot.source, l.PerSource)
	}
	if most := float64(l.CPS.Rate) * (1 + (m.now - m.since).Seconds()); l.CPS.Rate > 0 && float64(m.passed) > most+1e-6 {
		m.Fatalf("%d admitted in %v, rate is %d", m.passed, m.now-m.since, l.CPS.Rate)
	}
	if p.Addr.IsValid() && !naiveAdmits(m.access, p.Addr, nil) {
		m.Fatalf("%v admitted against the rules", p.Addr)
	}
}

func (m *gateModel) sameSource(s Slot) (n int) {
	for _, o := range m.slots {
		if o == s {
			n++
		}
	}
	return n
}

func (m *gateModel) release(b *bits) {
	if len(m.slots) == 0 {
		return
	}
	i := int(b.next()) % len(m.slots)
	m.gate.Release(m.slots[i])
	m.slots[i] = m.slots[len(m.slots)-1]
	m.slots = m.slots[:len(m.slots)-1]
}

func (m *gateModel) check() {
	sources := make(map[netip.Prefix]bool)
	for _, s := range m.slots {
		if s.source.IsValid() {
			sources[s.source] = true
		}
	}
	if c := m.gate.Counts(); c.Running != len(m.slots) || c.Sources != len(sources) || c.Held > maxHolds {
		m.Fatalf("counts are %+v, want %d running of %d sources", c, len(m.slots), len(sources))
	}
}

func FuzzGate(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x0a\x03\x09\x00\x02\x00\x03\x01\x02\x01\x01\x00\x02\x01\x01\x00\x02\x01\x01\x00\x01\x00\x00\x20\x02\x01\x01\x00"))
	f.Add([]byte("no limit takes a service away, and every limit heals by itself"))
	f.Fuzz(func(t *testing.T, data []byte) {
		b := bits(data)
		m := &gateModel{T: t, limits: b.limits()}
		m.gate = NewGate(m.limits, m.access)
		for len(b) > 0 {
			switch c := b.next(); c & 7 {
			case 0:
				m.now += time.Duration(b.next()) * 20 * time.Millisecond
			case 1:
				m.release(&b)
			case 2:
				if c>>3 == 0 {
					m.retune(&b)
				}
			default:
				m.admit(&b)
			}
			m.check()
		}
		for len(m.slots) > 0 {
			m.release(&b)
		}
		m.check()
		m.heals()
	})
}

// heals: when all is over and every hold has passed, what the limits allow at all is admitted again.
func (m *gateModel) heals() {
	m.gate.Retune(m.limits, config.Access{})
	m.now += m.limits.CPS.Hold + time.Second
	at := Moment{Now: start.Add(m.now)}
	d := m.gate.Admit(Peer{Addr: netip.AddrFrom4([4]byte{10})}, at)
	if m.limits.Instances != 0 && m.limits.PerSource != 0 && d.Verdict != OK {
		m.Fatalf("%v, though nothing runs and every hold is over: %+v", d.Verdict, m.limits)
	}
	m.gate.Release(d.Slot)
}
