package superd

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// daytimes begins a daemon with a daytime service for one client at a time.
func daytimes(t *testing.T, log *safeBuffer) (d *loop, address string) {
	t.Helper()
	port, _ := freePorts(t)
	text := fmt.Sprintf(`
service "daytime" {
  type           = "INTERNAL"
  socket_type    = "stream"
  bind           = "127.0.0.1"
  port           = %d
  cps            = [0, 0]
  instances      = 1
  log_on_success = ["HOST", "EXIT", "TRAFFIC"]
}
`, port)
	d = begin(t, text, log)
	return d, fmt.Sprintf("127.0.0.1:%d", port)
}

// whole reads a line of daytime and the end behind it.
func whole(t *testing.T, c net.Conn) {
	t.Helper()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	if text, err := io.ReadAll(c); err != nil || !strings.HasSuffix(string(text), "\r\n") || len(text) < 20 {
		t.Errorf("%q, %v", text, err)
	}
}

// Peers that do not close, or speak first, get their text whole, hold nobody up, and are gone after a while; each is logged.
func TestBriefBuiltin(t *testing.T) {
	var log safeBuffer
	d, address := daytimes(t, &log)
	files := openFiles(t)
	const clients = mostPartings / 2
	for i := range clients {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if i%2 == 0 {
			_, _ = c.Write(make([]byte, 1000))
		}
		whole(t, c)
	}
	eventually(t, "each of them is over", func() bool { return strings.Count(log.String(), "EXIT service=daytime") == clients })
	if n := strings.Count(log.String(), "in=1000 out="); n != clients/2 {
		t.Errorf("%d have been heard", n)
	}
	if n := openFiles(t); n > files+clients {
		t.Errorf("%d descriptors are left", n-files-clients)
	}
	d.end(syscall.SIGTERM, nil)
}

// Beyond some, each has a goroutine, and counts as a client. All that have begun end with the daemon, and none is reset.
func TestManyPartings(t *testing.T) {
	var log safeBuffer
	d, address := daytimes(t, &log)
	var served []net.Conn
	for range mostPartings + 1 {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		whole(t, c)
		served = append(served, c)
	}
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if text, err := io.ReadAll(c); err != nil || len(text) > 0 {
		t.Errorf("the second that counts got %q, %v", text, err)
	}
	_, _ = served[0].Write([]byte("late")) // a reset would come of it if the connection was closed
	d.end(syscall.SIGTERM, nil)
	if begun, ended := strings.Count(log.String(), "START service=daytime"), strings.Count(log.String(), "EXIT service=daytime"); begun != ended || begun != mostPartings+1 {
		t.Errorf("%d have begun, %d ended", begun, ended)
	}
	if n := strings.Count(log.String(), "in=4 out="); n != 1 {
		t.Errorf("%d have been heard", n)
	}
}

// Who talks without end is cut off.
func TestPartingThatTalks(t *testing.T) {
	var log safeBuffer
	d, address := daytimes(t, &log)
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	for err == nil {
		_, err = c.Write(make([]byte, 4096))
	}
	if os.IsTimeout(err) {
		t.Error(err)
	}
	eventually(t, "it is over", func() bool { return strings.Contains(log.String(), "EXIT service=daytime") })
	d.end(syscall.SIGTERM, nil)
}
