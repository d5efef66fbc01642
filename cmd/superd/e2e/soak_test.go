package e2e

import (
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// threadTolerance is how many more OS threads than after the warm-up are no leak: the Go runtime adds a thread
// whenever all of its own happen to sit in system calls at once, and keeps it.
const threadTolerance = 6

const (
	soakWorkers             = 8
	warmUpConns, warmUpLoad = 800, 4 // connections and reloads
)

// TestSoak: connections to a program and to a builtin, while one reload after the other changes something.
// None may fail, each is logged once from start to end, and nothing is left over.
func TestSoak(t *testing.T) {
	connections, reloads := 2_000, 10
	if demanded {
		connections, reloads = 20_000, 50
	}
	s := newSite(t)
	k := &soak{site: s, server: helloServer(t, s)}
	k.configure(0)
	d := s.start()
	k.daemon = d
	old := mustDial(t, s.at(7008))
	_ = old.SetDeadline(time.Time{})

	k.run(warmUpConns, warmUpLoad)
	k.configure(0)
	d.reload()
	eventually(t, patience, "no child is left after the warm-up", func() bool { return len(childrenOf(d.pid)) == 0 })
	fds, threads, mark := fdsOf(t, d.pid), threadsOf(t, d.pid), d.mark()

	began := time.Now()
	k.run(connections, reloads)
	ran := time.Since(began)
	k.configure(0)
	d.reload()
	t.Logf("%d connections over %d reloads in %v", k.done.Load(), reloads, ran.Round(time.Millisecond))

	eventually(t, patience, "no child is left", func() bool { return len(childrenOf(d.pid)) == 0 })
	var now []string
	eventually(t, patience, "no descriptor is left", func() bool {
		now = fdsOf(t, d.pid)
		return len(now) <= len(fds) || t.Failed()
	})
	if n := threadsOf(t, d.pid); n > threads+threadTolerance {
		t.Errorf("%d threads at the start, %d at the end", threads, n)
	}
	if _, err := io.WriteString(old, "still here"); err != nil {
		t.Error(err)
	}
	echo := make([]byte, len("still here"))
	if _, err := io.ReadFull(old, echo); err != nil {
		t.Errorf("the connection from before %d reloads: %v", reloads, err)
	}
	k.checkLog(mark)
}

// soak is the load of TestSoak.
type soak struct {
	*site
	*daemon
	server string

	done  atomic.Int64 // connections in this run
	hello atomic.Int64 // connections to the program in this run
}

// configure writes the i-th variant of the configuration: limits change, services change places, one comes and goes.
func (k *soak) configure(i int) {
	hello := fmt.Sprintf(`
service "hello" {
  type        = "UNLISTED"
  port        = 7007
  socket_type = "stream"
  wait        = false
  instances   = %d
  nice        = %d
  %s
}`, 1000+i, i%2, k.server)
	echo := fmt.Sprintf(`
service "echo" {
  type        = ["INTERNAL", "UNLISTED"]
  port        = 7008
  socket_type = "stream"
  wait        = false
  cps         = [%d, 1]
}`, 100_000+i%5)
	extra := ""
	if i%2 == 1 {
		extra = strings.Replace(strings.Replace(hello, "7007", "7009", 1), `"hello" {`, `"extra" {`, 1)
	}
	services := []string{hello, echo, extra}
	k.config(usual + services[i%3] + services[(i+1)%3] + services[(i+2)%3])
}

// run makes at least so many connections over so many reloads, which are spread over the connections.
func (k *soak) run(connections, reloads int) {
	t := k.site.t
	t.Helper()
	k.done.Store(0)
	k.hello.Store(0)
	var enough atomic.Bool
	var workers sync.WaitGroup
	for range soakWorkers {
		workers.Go(func() {
			for n := k.done.Add(1); (n <= int64(connections) || !enough.Load()) && !t.Failed(); n = k.done.Add(1) {
				if err := k.connect(n); err != nil {
					t.Errorf("connection %d: %v", n, err)
				}
			}
			k.done.Add(-1)
		})
	}
	for i := 1; i <= reloads && !t.Failed(); i++ {
		eventually(t, time.Minute, "the connections go on", func() bool {
			return k.done.Load() >= int64(connections/(reloads+1)*i) || t.Failed()
		})
		k.configure(i)
		if err := k.tryReload(); err != nil {
			t.Errorf("reload %d: %v", i, err)
		}
	}
	enough.Store(true)
	workers.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

func (k *soak) connect(n int64) error {
	port, text, want := 7007, "", "hello\n"
	if n%4 == 0 {
		port, text, want = 7008, strings.Repeat("echo ", 1000), strings.Repeat("echo ", 1000)
	} else {
		k.hello.Add(1)
	}
	got, err := talk(k.at(port), text)
	if err == nil && got != want {
		err = fmt.Errorf("port %d answers %d bytes, not %d", port, len(got), len(want))
	}
	return err
}

// checkLog expects one START and one EXIT of every connection since mark, and no other complaint.
func (k *soak) checkLog(mark int) {
	t := k.site.t
	t.Helper()
	for _, kind := range []string{"START", "EXIT"} {
		lines := regexp.MustCompile(`\b` + kind + `\b.*\bservice=hello\b`)
		eventually(t, patience, "the log is written", func() bool {
			return len(k.matching(mark, lines)) >= int(k.hello.Load())
		})
		if n := len(k.matching(mark, lines)); n != int(k.hello.Load()) {
			t.Errorf("%d connections to hello, but %d lines %s", k.hello.Load(), n, kind)
		}
	}
	if lines := k.matching(0, regexp.MustCompile(`\b(REFUSE|LOST|EXHAUSTED|BIND-FAILED|WARNING|BACKOFF)\b`)); len(lines) > 0 {
		t.Errorf("%d unexpected lines, the first: %s", len(lines), lines[0])
	}
}

// helloServer returns the lines of a service whose program writes "hello\n": a static C program where there is a
// compiler, so that starting it costs as little as can be.
func helloServer(t testing.TB, s *site) string {
	t.Helper()
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		if demanded {
			t.Fatal("install gcc (packaging/install-test-programs.sh)")
		}
		return unprivileged() + `
  server = "/bin/echo"
  server_args = ["hello"]`
	}
	source := s.write("hello.c", helloC)
	client(t, gcc, "-O2", "-static", "-nostdlib", "-o", s.path("hello"), source)
	return unprivileged() + s.expand(`
  server = "$DIR/hello"`)
}

// helloC does without a C library, whose own beginning takes longer than all that a super-server does for a connection.
const helloC = `
#if defined(__x86_64__)
static long call(long n, long a, long b, long c) {
	long r;
	__asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
	return r;
}
enum { WRITE = 1, EXIT_GROUP = 231 };
#elif defined(__aarch64__)
static long call(long n, long a, long b, long c) {
	register long x8 __asm__("x8") = n, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
	return x0;
}
enum { WRITE = 64, EXIT_GROUP = 94 };
#endif
void _start(void) {
	call(EXIT_GROUP, call(WRITE, 1, (long)"hello\n", 6) != 6, 0, 0);
	for (;;);
}
`
