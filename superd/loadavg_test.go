package superd

import (
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestLoadavg(t *testing.T) {
	var l loadavg
	now := time.Now()
	first := l.at(now)
	l.load = first + 1
	if got := l.at(now.Add(time.Second - 1)); got != first+1 {
		t.Errorf("within a second it reads again: %v", got)
	}
	before := oneMinuteLoad()
	got := l.at(now.Add(time.Second))
	if after := oneMinuteLoad(); got < min(before, after) || got > max(before, after) {
		t.Errorf("after a second it is %v; /proc/loadavg goes from %v to %v", got, before, after)
	}
}

// TestMaxLoad: at max_load a service refuses, and it serves again when the load has fallen.
func TestMaxLoad(t *testing.T) {
	port, _ := freePorts(t)
	text := fmt.Sprintf("service \"echo\" {\n type = \"INTERNAL\"\n socket_type = \"stream\"\n bind = \"127.0.0.1\"\n port = %d\n max_load = 5\n}\n", port)
	var log safeBuffer
	d := begin(t, text, &log)
	defer d.end(syscall.SIGTERM, nil)

	pretend := func(load float64) {
		l := &d.host.load
		l.mu.Lock()
		defer l.mu.Unlock()
		l.read, l.load = time.Now().Add(time.Hour), load // so that it is not read anew
	}
	pretend(5)
	c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got, _ := io.ReadAll(c); len(got) > 0 {
		t.Errorf("refused, the client reads %q", got)
	}
	eventually(t, "the refusal is logged", func() bool { return strings.Contains(log.String(), "verdict=load") })
	pretend(4.9)
	if err := visit("tcp", port); err != nil {
		t.Error(err)
	}
}
