package superd

import (
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestIdleRedirections holds thousands of redirected connections on which nothing moves: no thread and no pipe each.
func TestIdleRedirections(t *testing.T) {
	connections := 500
	if os.Getenv("SUPERD_E2E") == "1" {
		connections = 10_000
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	connections = min(connections, int(limit.Max-200)/4) // client and target are of this process too
	limit.Cur = limit.Max
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	tcp, _ := freePorts(t)
	config := fmt.Sprintf(`
defaults {
  cps            = [0, 0]
  bind           = "127.0.0.1"
  log_on_success = []
}
service "front" {
  type        = "UNLISTED"
  socket_type = "stream"
  wait        = false
  port        = %d
  redirect    = ["127.0.0.1", %d]
}
service "echo" {
  type        = "INTERNAL"
  socket_type = "stream"
  port        = %d
}
`, tcp, tcp+1, tcp+1)
	var log safeBuffer
	defer func() {
		if t.Failed() {
			t.Log(log.String())
		}
	}()
	d := begin(t, config, &log)
	fds, threads, before := openFiles(t), threadCount(t), heap()
	clients := make([]net.Conn, connections)
	for i := range clients {
		c, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", tcp))
		if err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		clients[i] = c
		c.SetDeadline(time.Now().Add(20 * time.Second))
		c.Write([]byte("x"))
		if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
	}
	each := (heap() - before) / int64(connections)
	t.Logf("%d idle redirections: %d threads more, %d bytes each (with the client, the target and echo itself), %d descriptors each",
		connections, threadCount(t)-threads, each, (openFiles(t)-fds)/connections)
	if more := threadCount(t) - threads; more > 64 {
		t.Errorf("%d idle redirections took %d threads", connections, more)
	}
	if n := openFiles(t) - fds; n > 4*connections+100 { // client, accepted, to the target, accepted by the target
		t.Errorf("%d descriptors more", n)
	}
	for _, c := range clients {
		c.Close()
	}
	d.end(syscall.SIGTERM, nil)
}

func threadCount(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	var n int
	_, rest, _ := strings.Cut(string(status), "Threads:")
	if _, err := fmt.Sscan(rest, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}
