package superd

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// loadavg is the one-minute load average, read from /proc/loadavg at most once a second. Safe for concurrent use.
type loadavg struct {
	mu   sync.Mutex
	read time.Time
	load float64
}

// at returns the load as of now; 0, which admits, where /proc cannot be read.
func (l *loadavg) at(now time.Time) float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.read) >= time.Second {
		l.read, l.load = now, oneMinuteLoad()
	}
	return l.load
}

func oneMinuteLoad() float64 {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(text), " ")
	load, _ := strconv.ParseFloat(first, 64)
	return load
}
