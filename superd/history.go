package superd

import (
	"sync"
	"time"
)

// history is what has become of the daemon's configuration. The loop writes it, anybody may read it.
type history struct {
	mu    sync.Mutex
	tried time.Time // when the last reload began
	reloads
}

// reloads is a history at one moment. Reloads that nobody asked for (watch = true) count like the others.
type reloads struct {
	Began      time.Time // when the daemon was ready
	Generation uint64    // of the configuration in force; the one it began with is 1
	Since      time.Time // when that was put in force

	Succeeded, Failed uint64
	LastFailure       time.Time     // zero: none failed
	FailureError      string        // of the last that failed
	Failing           bool          // the last one failed: the files on disk are not what runs
	Took              time.Duration // the last one
}

func (h *history) begin() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.Began = time.Now()
	h.Generation, h.Since = 1, h.Began
}

// attempt begins a reload, which reloaded or failed ends.
func (h *history) attempt() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tried = time.Now()
}

func (h *history) reloaded() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.Generation++
	h.Succeeded++
	h.Since, h.Failing = time.Now(), false
	h.Took = h.Since.Sub(h.tried)
}

func (h *history) failed(why error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.Failed++
	h.LastFailure, h.FailureError, h.Failing = time.Now(), why.Error(), true
	h.Took = h.LastFailure.Sub(h.tried)
}

func (h *history) read() reloads {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.reloads
}
