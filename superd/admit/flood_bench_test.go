package admit

import (
	"net/netip"
	"runtime"
	"testing"
	"time"

	"superd/superd/config"
)

// BenchmarkFloodMemory is one flood from 65,536 new sources, each with a connection at once, all of them far above the rate. Its
// gate-KB is what the gate has on the heap after many such floods, from other sources each: more floods must not make it more.
func BenchmarkFloodMemory(b *testing.B) {
	l, a := everything()
	l.CPS = config.CPS{Rate: 1, Hold: time.Hour}
	before := heap()
	g := NewGate(l, a)
	m := Moment{Now: time.Now()}
	flood := func(n int) {
		for i := range 1 << 16 {
			g.Release(g.Admit(Peer{Addr: netip.AddrFrom4([4]byte{127, byte(n), byte(i >> 8), byte(i)})}, m).Slot)
		}
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		flood(n)
		n++
	}
	for ; n < 16; n++ {
		flood(n)
	}
	b.ReportMetric(float64(heap()-before)/1024, "gate-KB")
	runtime.KeepAlive(g)
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
