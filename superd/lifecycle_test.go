package superd

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestNothingIsLeftBehind runs the daemon inside the test, where its goroutines can be counted: connections to
// builtins and programs, over TCP and UDP, while every reload adds or removes a service and changes a limit.
func TestNothingIsLeftBehind(t *testing.T) {
	reloads, connections := 20, 60 // the latter of each of four kinds, for each reload
	if os.Getenv("SUPERD_E2E") == "1" {
		reloads, connections = 50, 100 // 20,000 in all
	}
	dir := t.TempDir()
	tcp, udp := freePorts(t)
	write := func(generation int) {
		writeConfig(t, dir, tcp, udp, generation)
	}
	before := runtime.NumGoroutine()

	var log safeBuffer
	write(0)
	d := beginIn(t, dir, &log)
	visitAll(t, tcp, udp, 4)
	fds := openFiles(t)
	for g := range reloads {
		var clients sync.WaitGroup
		for range 3 {
			clients.Go(func() { visitAll(t, tcp, udp, (connections+2)/3) })
		}
		write(g)
		d.reload()
		clients.Wait()
	}
	write(0)
	d.reload()
	eventually(t, "the descriptors are as many as before", func() bool { return openFiles(t) <= fds })
	d.end(syscall.SIGTERM, nil)
	eventually(t, "the goroutines are as many as before", func() bool { return runtime.NumGoroutine() <= before })
	if n := strings.Count(log.String(), "RELOAD opened"); n != reloads+1 {
		t.Errorf("%d of %d reloads worked", n, reloads+1)
	}
	if t.Failed() {
		t.Log(log.String())
	}
}

// writeConfig makes every other generation one service richer, and another service in turn a builtin and a program.
func writeConfig(t *testing.T, dir string, tcp, udp, generation int) {
	t.Helper()
	who, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf(`
defaults {
  cps        = [0, 0]
  instances  = %d
}
service "echo" {
  type = "INTERNAL"
  socket_type = "stream"
  bind = "127.0.0.1"
  port = %d
}
service "echo" {
  id   = "echo-dgram"
  type = "INTERNAL"
  socket_type = "dgram"
  bind = "127.0.0.1"
  port = %d
}
service "cat" {
  socket_type = "stream"
  wait = false
  user = %q
  server = "/bin/cat"
  bind = "127.0.0.1"
  port = %d
}
`, 1000+generation, tcp, udp, who.Username, tcp+1)
	either := "service \"echo\" {\n type = \"INTERNAL\"\n"
	if generation%2 == 1 {
		either = fmt.Sprintf("service \"cat\" {\n user = %q\n server = \"/bin/cat\"\n", who.Username)
	}
	text += either + fmt.Sprintf(" id = \"either\"\n socket_type = \"stream\"\n wait = false\n bind = \"127.0.0.1\"\n port = %d\n}\n", tcp+3)
	if generation%2 == 1 {
		text += fmt.Sprintf("service \"extra\" {\n socket_type = \"stream\"\n wait = false\n user = %q\n server = \"/bin/cat\"\n bind = \"127.0.0.1\"\n port = %d\n}\n", who.Username, tcp+2)
	}
	if err := os.WriteFile(filepath.Join(dir, "superd.hcl"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// freePorts finds four TCP ports in a row and a UDP port below the range that clients are given theirs from.
func freePorts(t *testing.T) (tcp, udp int) {
	t.Helper()
	free := func(network string, port int) bool {
		address := fmt.Sprintf("127.0.0.1:%d", port)
		if network == "udp" {
			c, err := net.ListenPacket(network, address)
			if err == nil {
				c.Close()
			}
			return err == nil
		}
		l, err := net.Listen(network, address)
		if err == nil {
			l.Close()
		}
		return err == nil
	}
	for port := 18000 + os.Getpid()%1000*10; port < 32000; port += 4 {
		if free("tcp", port) && free("tcp", port+1) && free("tcp", port+2) && free("tcp", port+3) && free("udp", port) {
			return port, port
		}
	}
	t.Fatal("no free ports")
	return 0, 0
}

// visitAll makes n connections of each kind and expects each to echo.
func visitAll(t *testing.T, tcp, udp, n int) {
	for range n {
		for network, port := range map[string]int{"tcp": tcp, "tcp4": tcp + 1, "udp": udp} {
			if err := visit(network, port); err != nil {
				t.Errorf("%s port %d: %v", network, port, err)
			}
		}
		if err := visit("tcp", tcp+3); err != nil {
			t.Errorf("the service that is now a builtin and now a program: %v", err)
		}
	}
}

func visit(network string, port int) error {
	c, err := net.Dial(network, fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(c, "hello"); err != nil {
		return err
	}
	got := make([]byte, 5)
	if _, err := io.ReadFull(c, got); err != nil {
		return err
	}
	if string(got) != "hello" {
		return fmt.Errorf("%q came back", got)
	}
	return nil
}

func openFiles(t *testing.T) int {
	t.Helper()
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}

// eventually waits for what nobody announces: ends that happen after the last answer.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			var stacks bytes.Buffer
			_ = pprof.Lookup("goroutine").WriteTo(&stacks, 1)
			t.Errorf("it never came about that %s; goroutines:\n%s", what, stacks.String())
			return
		}
	}
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
