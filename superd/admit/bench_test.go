package admit

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"superd/superd/config"
)

// loopback is every address of 127.0.0.0/16.
func loopback() []Peer {
	peers := make([]Peer, 1<<16)
	for i := range peers {
		peers[i].Addr = netip.AddrFrom4([4]byte{127, 0, byte(i >> 8), byte(i)})
	}
	return peers
}

// everything has all limits and rules on, far away.
func everything() (config.Limits, config.Access) {
	l := config.Limits{
		Instances: 1 << 20, PerSource: 1 << 20, PerSourcePrefix: [2]int{32, 64},
		CPS: config.CPS{Rate: 1 << 40, Hold: time.Second}, OnCPS: config.Hold, MaxLoad: 100,
	}
	a := lists("127.0.0.0/8 ::1 10.0.0.0/8 192.168.0.0/16 .example.org", "127.255.0.0/16 0.0.0.0/0")
	a.Times = []config.Window{{Days: everyDay, From: 0, To: 1439}}
	return l, a
}

func BenchmarkAdmitRelease(b *testing.B) {
	g := NewGate(everything())
	p, m := Peer{Addr: netip.MustParseAddr("127.0.0.1")}, Moment{Now: time.Now(), Load: 1}
	b.ReportAllocs()
	for b.Loop() {
		g.Release(g.Admit(p, m).Slot)
	}
}

// Each of 65,536 sources has one connection that runs; the next comes, the oldest ends.
func BenchmarkAdmitRelease65536Sources(b *testing.B) {
	g := NewGate(everything())
	peers, m := loopback(), Moment{Now: time.Now(), Load: 1}
	slots := make([]Slot, len(peers))
	for i, p := range peers[:len(peers)/2] {
		slots[i] = g.Admit(p, m).Slot
	}
	b.ReportAllocs()
	n := len(peers) / 2
	for b.Loop() {
		oldest := (n + len(peers)/2) % len(peers)
		g.Release(slots[oldest])
		slots[n] = g.Admit(peers[n], m).Slot
		n = (n + 1) % len(peers)
	}
}

// A flood from 65,536 sources on an empty bucket: each refusal begins a hold and pushes out an older one.
func BenchmarkFloodHold(b *testing.B) {
	l, a := everything()
	l.CPS = config.CPS{Rate: 1, Hold: time.Hour}
	g := NewGate(l, a)
	peers, m := loopback(), Moment{Now: time.Now()}
	for _, p := range peers {
		g.Admit(p, m)
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		g.Admit(peers[n], m)
		n = (n + 1) % len(peers)
	}
}

func BenchmarkHeld(b *testing.B) {
	l, a := everything()
	l.CPS = config.CPS{Rate: 1, Hold: time.Hour}
	g := NewGate(l, a)
	p, m := Peer{Addr: netip.MustParseAddr("127.0.0.1")}, Moment{Now: time.Now()}
	g.Admit(p, m)
	b.ReportAllocs()
	for b.Loop() {
		g.Admit(p, m)
	}
}

func BenchmarkReady(b *testing.B) {
	g := NewGate(everything())
	m := Moment{Now: time.Now()}
	b.ReportAllocs()
	for b.Loop() {
		g.Ready(m)
	}
}

// Rules of many lengths; the peer matches the shortest, which is looked up last.
func BenchmarkAccess(b *testing.B) {
	for _, lengths := range []int{1, 4, 16, 32} {
		for _, perLength := range []int{1, 1000} {
			b.Run(fmt.Sprintf("lengths=%d/rules=%d", lengths, lengths*perLength), func(b *testing.B) {
				var rs []config.Rule
				for bits := 33 - lengths; bits <= 32; bits++ {
					for i := range perLength {
						a := netip.AddrFrom4([4]byte{byte(i), byte(i >> 8), byte(i * 7), byte(bits)})
						rs = append(rs, config.Rule{Prefix: netip.PrefixFrom(a, bits)})
					}
				}
				a := newAccess(config.Access{Restricted: true, OnlyFrom: rs})
				addr := netip.MustParseAddr("255.255.255.255")
				b.ReportAllocs()
				for b.Loop() {
					a.admits(addr, nil)
				}
			})
		}
	}
}

func BenchmarkAccessName(b *testing.B) {
	a := newAccess(lists(".example.org", "a.example.net"))
	addr, names := netip.MustParseAddr("192.0.2.1"), []string{"host.sub.department.example.org"}
	b.ReportAllocs()
	for b.Loop() {
		a.admits(addr, names)
	}
}

// What a service costs that nobody has called yet.
func BenchmarkNewGate(b *testing.B) {
	l, _ := everything()
	b.ReportAllocs()
	for b.Loop() {
		NewGate(l, config.Access{})
	}
}
