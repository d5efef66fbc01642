package superd

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Two listeners of one service take its few places from each other, while their programs are under way: each of the
// queued clients is served in the end, and none is logged twice or not at all. What cannot start is refused.
func TestLaunchesUnderLoad(t *testing.T) {
	who, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	port, _ := freePorts(t)
	text := fmt.Sprintf(`
defaults {
  cps        = [0, 0]
  per_source = "UNLIMITED"
}
service "hello" {
  socket_type    = "stream"
  wait           = false
  user           = %[1]q
  server         = "/bin/echo"
  server_args    = ["hello"]
  bind           = ["127.0.0.1", "127.0.0.2"]
  port           = %[2]d
  instances      = 2
  on_instances   = "queue"
  log_on_success = ["HOST", "EXIT"]
}
service "broken" {
  socket_type = "stream"
  wait        = false
  user        = %[1]q
  server      = %[4]q
  bind        = "127.0.0.1"
  port        = %[3]d
}
`, who.Username, port, port+1, filepath.Join(dir, "gone"))
	for name, text := range map[string]string{"superd.hcl": text, "gone": "#!/nonexistent/interpreter\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	var log safeBuffer
	d := beginIn(t, dir, &log)
	const clients, visits = 8, 40
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() {
			for range visits {
				if got, err := readAll(fmt.Sprintf("127.0.0.%d:%d", 1+i%2, port)); got != "hello\n" || err != nil {
					t.Errorf("%q, %v", got, err)
				}
				if got, err := readAll(fmt.Sprintf("127.0.0.1:%d", port+1)); got != "" || err != nil {
					t.Errorf("from a program that cannot start: %q, %v", got, err)
				}
			}
		})
	}
	all.Wait()
	d.end(syscall.SIGTERM, nil)
	for what, want := range map[string]int{
		"START service=hello": clients * visits, "EXIT service=hello": clients * visits,
		"REFUSE service=broken": clients * visits, "START service=broken": 0,
	} {
		if n := strings.Count(log.String(), what); n != want {
			t.Errorf("%d times %s, not %d", n, what, want)
		}
	}
}

func readAll(address string) (string, error) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return "", err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	text, err := io.ReadAll(c)
	return string(text), err
}
