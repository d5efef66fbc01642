package superd

import (
	"sync"
	"syscall"
	"time"
)

// deadline ends a program that has run for its max_lifetime: TERM, and KILL when the grace is over too.
// The zero value is not set. set and clear may come from different goroutines, clear also without set.
type deadline struct {
	mu    sync.Mutex
	timer *time.Timer
	over  bool
}

// set arms the deadline. signal is called on a goroutine of its own.
func (d *deadline) set(lifetime, grace time.Duration, signal func(syscall.Signal)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.timer = time.AfterFunc(lifetime, func() {
		signal(syscall.SIGTERM)
		d.mu.Lock()
		defer d.mu.Unlock()
		if !d.over {
			d.timer = time.AfterFunc(grace, func() { signal(syscall.SIGKILL) })
		}
	})
}

// clear disarms it for good.
func (d *deadline) clear() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.over = true
	if d.timer != nil {
		d.timer.Stop()
	}
}
