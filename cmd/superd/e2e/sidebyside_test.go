package e2e

import (
	"fmt"
	"os/exec"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// BenchmarkSideBySide measures superd beside the real xinetd: a static program that writes 6 bytes, 8 clients,
// both with a log of every connection in a file and no limit in the way. The rounds alternate, so that a noisy
// machine is noisy to both; the medians count. It fails only if a connection does.
func BenchmarkSideBySide(b *testing.B) {
	const rounds, conns = 7, 800
	needRoot(b)
	need(b, "gcc")
	s := newSite(b)
	server := helloServer(b, s)
	s.config(`
defaults {
  log_type       = "FILE $DIR/superd.log"
  log_on_success = ["PID", "HOST", "DURATION", "EXIT"]
  cps            = [0, 0]
  instances      = "UNLIMITED"
  per_source     = "UNLIMITED"
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
}`)
	startXinetd(b, s, 7002)
	s.start()

	var superd, xinetd []float64
	for b.Loop() {
		for range rounds {
			superd = append(superd, connsPerSecond(b, s.at(7001), conns))
			xinetd = append(xinetd, connsPerSecond(b, s.at(7002), conns))
		}
	}
	ours, theirs := median(superd), median(xinetd)
	b.Logf("superd %.0f conn/s (%.0f), xinetd %.0f conn/s (%.0f): %.2f times", ours, superd, theirs, xinetd, ours/theirs)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ours, "superd-conn/s")
	b.ReportMetric(theirs, "xinetd-conn/s")
	b.ReportMetric(ours/theirs, "ratio")
}

// startXinetd runs xinetd with the service hello on port. NOLIBWRAP spares it reading hosts.allow for each connection.
func startXinetd(b *testing.B, s *site, port int) {
	b.Helper()
	xinetd := needUnpacked(b, "xinetd/usr/sbin/xinetd")
	s.write("xinetd.conf", fmt.Sprintf(`
defaults
{
	log_type       = FILE $DIR/xinetd.log
	log_on_success = PID HOST DURATION EXIT
	cps            = 0 0
	instances      = UNLIMITED
	per_source     = UNLIMITED
}
service hello
{
	type        = UNLISTED
	flags       = NOLIBWRAP
	socket_type = stream
	protocol    = tcp
	port        = %d
	bind        = $ADDR
	wait        = no
	user        = nobody
	server      = $DIR/hello
}
`, port))
	cmd := exec.Command(xinetd, "-dontfork", "-f", s.path("xinetd.conf"), "-pidfile", s.path("xinetd.pid"))
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	eventually(b, patience, "xinetd answers", func() bool { // it announces nothing
		answer, err := talk(s.at(port), "")
		return err == nil && answer == "hello\n"
	})
}

// connsPerSecond makes so many connections with 8 clients.
func connsPerSecond(b *testing.B, addr string, conns int) float64 {
	b.Helper()
	var next atomic.Int64
	var clients sync.WaitGroup
	began := time.Now()
	for range 8 {
		clients.Go(func() {
			for next.Add(1) <= int64(conns) {
				if answer, err := talk(addr, ""); err != nil || answer != "hello\n" {
					b.Errorf("%s: %q, %v", addr, answer, err)
				}
			}
		})
	}
	clients.Wait()
	return float64(conns) / time.Since(began).Seconds()
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
