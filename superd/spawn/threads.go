package spawn

import (
	"runtime"
	"sync"
)

// Go's runtime makes a thread when all it has are inside system calls, and aborts the process if it cannot: that is
// how it would end when a user's processes, or a container's, have run out. So forks at once are bounded, and the
// threads that they and the daemon's other calls need are made at the start. The runtime keeps idle threads for good.
const spareThreads = 8 // logs that block, files of the configuration, signals, the runtime's own

// forksAtOnce is as many as keep the processors busy while some children are still on their way to their programs, or wait for a
// disk.
func forksAtOnce() int {
	return min(max(16, 2*runtime.GOMAXPROCS(0)), 32)
}

// reserveThreads makes sure that the process has n threads beyond those that are busy now.
func reserveThreads(n int) {
	var here, gone sync.WaitGroup
	here.Add(n)
	for range n {
		gone.Go(func() {
			runtime.LockOSThread() // a goroutine that waits with its thread makes the next one need another
			defer runtime.UnlockOSThread()
			here.Done()
			here.Wait()
		})
	}
	gone.Wait()
}
