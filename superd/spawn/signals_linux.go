package spawn

import (
	"bytes"
	"os"
	"os/signal"
	"strconv"
	"syscall"
)

// CleanSignals makes signals that this process was started with as ignored (by nohup, or by a shell for what it
// runs in the background) be caught and thrown away instead: exec(2) resets a caught signal for the children, and
// keeps an ignored one. To be called first in main. A blocked signal needs nothing: each fork clears the mask.
//
// A later signal.Notify works as ever; signal.Ignore and signal.Reset would undo this.
func CleanSignals() {
	swallow := make(chan os.Signal, 1) // never read: Notify does not wait
	for _, s := range ignored() {
		signal.Notify(swallow, s)
	}
}

// ignored reads proc(5), since the os/signal package does not know of all of them.
func ignored() []os.Signal {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return nil // no /proc: nothing can be told
	}
	_, rest, _ := bytes.Cut(status, []byte("\nSigIgn:\t"))
	word, _, _ := bytes.Cut(rest, []byte("\n"))
	set, _ := strconv.ParseUint(string(word), 16, 64)
	var signals []os.Signal
	for s := syscall.Signal(1); s <= 64; s++ {
		if set&(1<<(s-1)) != 0 {
			signals = append(signals, s)
		}
	}
	return signals
}
