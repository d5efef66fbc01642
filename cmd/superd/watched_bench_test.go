package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"superd/superd/control"
)

// BenchmarkWatched says what it costs a daemon that starts programs as fast as it can to be looked at: by top and a scrape
// of metrics once a second, and by a thousand clients of the control socket that say nothing, or garbage. Each iteration is one second
// of each, in turn, so that what else the machine does hits all of them alike.
//
//	go test ./cmd/superd -run '^$' -bench Watched -benchtime 10x
func BenchmarkWatched(b *testing.B) {
	dir, err := os.MkdirTemp("", "superd")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	program, metrics := mustPort(b), mustPort(b)
	socket := filepath.Join(dir, "control.sock")
	user := ""
	if os.Geteuid() == 0 {
		user = "user = \"root\""
	}
	file := filepath.Join(dir, "superd.hcl")
	text := fmt.Sprintf(`
superd {
  control = %q
}
defaults {
  cps            = [0, 0]
  log_on_success = []
}
service "true" {
  type        = "UNLISTED"
  socket_type = "stream"
  wait        = false
  server      = "/bin/true"
  bind        = "127.0.0.1"
  port        = %d
  %s
}
service "metrics" {
  type        = "INTERNAL"
  socket_type = "stream"
  bind        = "127.0.0.1"
  port        = %d
}
`, socket, program, user, metrics)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	daemon := exec.Command("superd", "run", "-c", file)
	log := &logbook{grown: make(chan struct{})}
	daemon.Stdout, daemon.Stderr = log, log
	if err := daemon.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { daemon.Process.Signal(syscall.SIGTERM); daemon.Wait() })
	if !poll(func() bool { return strings.Contains(log.String(), " READY ") }) {
		b.Fatalf("superd does not become ready:\n%s", log)
	}

	scenes := []struct {
		name string
		play func(ctx context.Context)
	}{
		{"alone", func(ctx context.Context) { <-ctx.Done() }},
		{"watched", func(ctx context.Context) { watch(b, ctx, socket, file, metrics) }},
		{"crowded", func(ctx context.Context) { crowdControl(ctx, socket) }},
		{"garbage", func(ctx context.Context) { babble(ctx, socket) }},
	}
	served := make([]int64, len(scenes))
	for b.Loop() {
		for i, s := range scenes {
			served[i] += serveFor(b, time.Second, program, s.play)
		}
	}
	for i, s := range scenes {
		b.ReportMetric(float64(served[i])/float64(b.N), s.name+"/s")
		if i > 0 {
			b.ReportMetric(100-100*float64(served[i])/float64(served[0]), s.name+"-slower-%")
		}
	}
	b.ReportMetric(0, "ns/op")
}

func mustPort(b *testing.B) int {
	port, err := freePort()
	if err != nil {
		b.Fatal(err)
	}
	return port
}

// serveFor counts the connections that two clients have served meanwhile.
func serveFor(b *testing.B, d time.Duration, port int, play func(context.Context)) int64 {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	var n atomic.Int64
	var all sync.WaitGroup
	all.Go(func() { play(ctx) })
	for range 2 {
		all.Go(func() {
			for ctx.Err() == nil {
				c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
				if err != nil {
					b.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, c) // a reset counts as an end
				c.Close()
				n.Add(1)
			}
		})
	}
	all.Wait()
	return n.Load()
}

// watch is one look of top and one scrape; more do not fit in a second.
func watch(b *testing.B, ctx context.Context, socket, file string, metrics int) {
	d, err := control.Dial(ctx, []string{socket}, file)
	if err != nil {
		b.Error(err)
		return
	}
	if _, err := d.Status(ctx, nil, false); err != nil {
		b.Error(err)
	}
	r, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/metrics", metrics))
	if err != nil {
		b.Error(err)
		return
	}
	_, _ = io.Copy(io.Discard, r.Body)
	r.Body.Close()
	<-ctx.Done()
}

// crowdControl is a thousand clients that connect within the second and say nothing.
func crowdControl(ctx context.Context, socket string) {
	var all []net.Conn
	for range 1000 {
		if c, err := net.Dial("unix", socket); err == nil {
			all = append(all, c)
		}
		if ctx.Err() != nil {
			break
		}
		time.Sleep(500 * time.Microsecond)
	}
	<-ctx.Done()
	for _, c := range all {
		c.Close()
	}
}

// babble sends what is no request, a hundred times in the second.
func babble(ctx context.Context, socket string) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		if c, err := net.Dial("unix", socket); err == nil {
			c.Write([]byte("\x16\x03\x01 GET / \r\n\r\n"))
			_, _ = io.Copy(io.Discard, c)
			c.Close()
		}
		<-tick.C
	}
}
