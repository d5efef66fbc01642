package spawn

import (
	"runtime"
	"testing"
)

func TestThreadsAreReserved(t *testing.T) {
	const n = 40
	reserveThreads(n)
	if got := threads(); got < n {
		t.Fatalf("%d threads, of %d", got, n)
	}
	runtime.GC()
	if got := threads(); got < n {
		t.Errorf("%d threads are left of %d: the runtime gives idle ones up", got, n)
	}
}
