package event

import (
	"path/filepath"
	"testing"
	"time"

	"superd/superd/config"
)

// BenchmarkConnection is what the log of a connection costs whoever starts and reaps its program: a START and an EXIT, to a file.
func BenchmarkConnection(b *testing.B) {
	for name, f := range map[string]config.LogFormat{"text": config.TextFormat, "json": config.JSONFormat, "xinetd": config.XinetdFormat} {
		b.Run(name, func(b *testing.B) {
			h := NewHub(b.Output())
			defer h.Close(20 * time.Second)
			s, err := h.Open(config.LogTarget{Kind: config.File, Path: filepath.Join(b.TempDir(), "log"), Format: f})
			if err != nil {
				b.Fatal(err)
			}
			start := sampleStart()
			exit := Exit{Start: start, Duration: time.Second, User: time.Millisecond, System: time.Millisecond, MaxRSS: 1 << 20}
			b.ReportAllocs()
			for n := 1; b.Loop(); n++ {
				s.Start(allFlags, start)
				s.Exit(allFlags, exit)
				if n%1024 == 0 { // no event is to be dropped, which is cheaper
					b.StopTimer()
					for s.waiting() {
						time.Sleep(time.Millisecond)
					}
					b.StartTimer()
				}
			}
		})
	}
}

// waiting reports whether events wait for the writer.
func (s *Sink) waiting() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pending.len() > 0
}
