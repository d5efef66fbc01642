package spawn

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"superd/superd/config"
)

var live = flag.Int("live", 1000, "programs that TestManyLive keeps running")

// tiny is a static program that ends at once or, given an argument, never; /bin/true where there is no C compiler.
func tiny(b testing.TB) string {
	b.Helper()
	dir := openDir(b)
	source, program := filepath.Join(dir, "tiny.c"), filepath.Join(dir, "tiny")
	text := "#include <unistd.h>\nint main(int n, char **v) { return n > 1 ? pause() : 0; }\n"
	if err := os.WriteFile(source, []byte(text), 0o644); err != nil {
		b.Fatal(err)
	}
	if err := exec.Command("gcc", "-O2", "-static", "-o", program, source).Run(); err != nil {
		return "/bin/true"
	}
	return program
}

func null(b testing.TB) int {
	b.Helper()
	f, err := os.OpenFile("/dev/null", os.O_RDWR, 0)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { f.Close() })
	return int(f.Fd())
}

// BenchmarkStart is Start to Exited, eight at a time.
func BenchmarkStart(b *testing.B) {
	path := tiny(b)
	cpu := []config.Rlimit{{Name: "cpu", Value: 60}, {Name: "files", Value: 100}}
	nobody := &config.Credential{Uid: 65534, Gid: 65534}
	for _, c := range []struct {
		name   string
		change func(*config.Program)
		live   int
	}{
		{"plain", func(*config.Program) {}, 0},
		{"user", func(p *config.Program) { p.Credential = nobody }, 0},
		{"umask", func(p *config.Program) { p.Umask = 0o2 }, 0},
		{"rlimits", func(p *config.Program) { p.Rlimits = cpu }, 0},
		{"user+rlimits", func(p *config.Program) { p.Rlimits, p.Credential = cpu, nobody }, 0},
		{"plain+5000live", func(*config.Program) {}, 5000},
	} {
		b.Run(c.name, func(b *testing.B) {
			if os.Geteuid() != 0 && c.name[0] == 'u' {
				b.Skip("needs root")
			}
			s, fd := newStarter(b), null(b)
			for range c.live {
				keep := &Command{Program: program(s, path, "stay"), Fd: fd, Started: func(int, time.Time) {}, Exited: func(Exit) {}}
				if err := s.Start(keep); err != nil {
					b.Fatal(err)
				}
			}
			defer s.SignalAll(syscall.SIGKILL)
			p := program(s, path)
			c.change(p)
			b.SetParallelism(max(1, 8/runtime.GOMAXPROCS(0)))
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				ended := make(chan Exit)
				cmd := &Command{Program: p, Fd: fd, Started: func(int, time.Time) {}, Exited: func(e Exit) { ended <- e }}
				for pb.Next() {
					if err := s.Start(cmd); err != nil {
						b.Error(err)
						return
					}
					if e := <-ended; e.Code != 0 {
						b.Errorf("%+v", e)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "starts/s")
		})
	}
}

// BenchmarkBare is syscall.ForkExec with one goroutine that does nothing but wait4(-1): the least there is in Go.
func BenchmarkBare(b *testing.B) {
	path, fd := tiny(b), uintptr(null(b))
	ended := make(chan struct{}, 64)
	var mu sync.Mutex
	cond, running := sync.NewCond(&mu), 0
	go func() {
		for {
			mu.Lock()
			for running == 0 {
				cond.Wait()
			}
			running--
			mu.Unlock()
			if _, err := wait4(-1, nil, 0, nil); err != nil {
				b.Error(err)
			}
			ended <- struct{}{}
		}
	}()
	b.SetParallelism(max(1, 8/runtime.GOMAXPROCS(0)))
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		attr := &syscall.ProcAttr{Dir: "/", Files: []uintptr{fd, fd, fd}, Sys: &syscall.SysProcAttr{Setsid: true}}
		for pb.Next() {
			if _, err := syscall.ForkExec(path, []string{path}, attr); err != nil {
				b.Error(err)
				return
			}
			mu.Lock()
			running++
			cond.Signal()
			mu.Unlock()
			<-ended
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "starts/s")
}

// Many live programs take neither a thread nor a goroutine each.
func TestManyLive(t *testing.T) {
	if testing.Short() {
		t.Skip("starts many programs")
	}
	s, path, fd := newStarter(t), tiny(t), null(t)
	argv := []string{path, "stay"}
	if path == "/bin/true" {
		argv = []string{"/bin/sleep", "1000"}
	}
	c := &Command{Program: program(s, argv...), Fd: fd, Started: func(int, time.Time) {}, Exited: func(Exit) {}}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	goroutines := runtime.NumGoroutine()
	for range *live {
		if err := s.Start(c); err != nil {
			t.Fatal(err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	heap := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / int64(*live)
	t.Logf("%d live: %d threads, %d bytes of heap each", *live, threads(), heap)
	if n := threads(); n > 64 {
		t.Errorf("%d threads", n)
	}
	if n := runtime.NumGoroutine(); n > goroutines+2 {
		t.Errorf("%d goroutines, before %d", n, goroutines)
	}
	if heap > 1024 {
		t.Errorf("%d bytes each", heap)
	}
	if n := s.SignalAll(syscall.SIGKILL); n != *live {
		t.Errorf("%d reached", n)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.Wait(ctx); err != nil {
		t.Error(err)
	}
}
