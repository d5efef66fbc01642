package superd

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestLive: whoever has joined and not left is listed, in the order of joining, wherever in the list others leave.
func TestLive(t *testing.T) {
	var l live
	var want []*conn
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 2000 {
		if len(want) == 0 || random.IntN(3) > 0 {
			c := &conn{id: uint64(i)}
			l.join(c)
			want = append(want, c)
		} else {
			n := random.IntN(len(want))
			l.leave(want[n])
			l.leave(want[n]) // as one that was never listed
			want = slices.Delete(want, n, n+1)
		}
		if i%100 != 99 {
			continue
		}
		var got []*conn
		l.look(func(c *conn) bool { got = append(got, c); return true })
		if !slices.Equal(got, want) {
			t.Fatalf("after %d: %d are listed, want %d", i, len(got), len(want))
		}
	}
	for _, c := range want {
		l.leave(c)
	}
	if l.first != nil || l.last != nil {
		t.Error("the empty list has ends")
	}
}

func BenchmarkLive(b *testing.B) {
	var l live
	c := &conn{}
	b.ReportAllocs()
	for b.Loop() {
		l.join(c)
		l.leave(c)
	}
}
