package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// BenchmarkWatched measures what it costs a program's connections to be watched: superd by itself, one whose log has TRAFFIC,
// and one whose metrics are scraped and whose status page is read once a second. The rounds alternate; the medians count.
func BenchmarkWatched(b *testing.B) {
	const rounds, conns = 9, 800
	need(b, "gcc")
	kinds := []string{"plain", "traffic", "scraped"}
	addrs, pids := map[string]string{}, map[string]int{}
	for _, kind := range kinds {
		s := newSite(b)
		flags, more := `["PID", "HOST", "DURATION", "EXIT"]`, ""
		switch kind {
		case "traffic":
			flags = `["PID", "HOST", "DURATION", "EXIT", "TRAFFIC"]`
		case "scraped":
			for i, name := range []string{"metrics", "status"} {
				more += fmt.Sprintf("service %q {\n type = [\"INTERNAL\", \"UNLISTED\"]\n socket_type = \"stream\"\n port = %d\n}\n", name, 9115+i)
			}
		}
		server := helloServer(b, s)
		s.config(`
defaults {
  log_type       = "FILE $DIR/superd.log"
  log_on_success = ` + flags + `
  cps            = [0, 0]
  bind           = "$ADDR"
}
superd {
  log_type = "STDERR"
}
service "hello" {
  type        = "UNLISTED"
  port        = 7001
  socket_type = "stream"
  wait        = false
  ` + server + `
}
` + more)
		pids[kind] = s.start().pid
		addrs[kind] = s.at(7001)
		if kind == "scraped" {
			readEachSecond(b, "http://"+s.at(9115)+"/metrics", "http://"+s.at(9116)+"/")
		}
	}
	rates, spent := map[string][]float64{}, map[string][]float64{}
	for b.Loop() {
		for range rounds {
			for _, kind := range kinds {
				before := processorTime(b, pids[kind])
				rates[kind] = append(rates[kind], connsPerSecond(b, addrs[kind], conns))
				spent[kind] = append(spent[kind], float64((processorTime(b, pids[kind])-before).Microseconds())/conns)
			}
		}
	}
	plain, least := median(rates["plain"]), median(spent["plain"])
	b.ReportMetric(0, "ns/op")
	for _, kind := range kinds {
		rate, cpu := median(rates[kind]), median(spent[kind])
		b.Logf("%-8s %.0f conn/s, %.2f of plain (%.0f); superd's own processor time %.0f µs a connection, %.2f of plain (%.0f)",
			kind, rate, rate/plain, rates[kind], cpu, cpu/least, spent[kind])
		b.ReportMetric(rate, kind+"-conn/s")
		b.ReportMetric(cpu, kind+"-cpu-µs/conn")
	}
}

// readEachSecond asks for the pages until the benchmark ends.
func readEachSecond(b *testing.B, urls ...string) {
	stop, stopped := make(chan struct{}), make(chan struct{})
	b.Cleanup(func() { close(stop); <-stopped })
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	go func() {
		defer close(stopped)
		for tick := time.NewTicker(time.Second); ; {
			for _, url := range urls {
				r, err := client.Get(url)
				if err != nil {
					b.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, r.Body)
				_ = r.Body.Close()
			}
			select {
			case <-tick.C:
			case <-stop:
				tick.Stop()
				return
			}
		}
	}()
}

// processorTime is what a process has used, without its children, in steps of 10 ms (proc_pid_stat(5)).
func processorTime(b *testing.B, pid int) time.Duration {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	if err := errors.Join(err1, err2); err != nil {
		b.Fatal(err)
	}
	return time.Duration(user+system) * 10 * time.Millisecond
}
