package control

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// stage is a Daemon that says little, and that a test can hold up.
type stage struct {
	mu    sync.Mutex
	kicks []Kick
	large int           // bytes of each event
	held  chan struct{} // not nil: Status waits for it
}

func (s *stage) Hello() Hello { return Hello{Version: Version, Superd: "test", Pid: os.Getpid()} }

func (s *stage) Status(ctx context.Context, services []string, _ bool) (*Status, error) {
	if s.held != nil {
		select {
		case <-s.held:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	for _, id := range services {
		return nil, &Error{404, fmt.Sprintf("there is no service %q", id)}
	}
	return &Status{Hello: s.Hello()}, nil
}

func (s *stage) Explain(_ context.Context, q Question) (*Explanation, error) {
	return &Explanation{Service: q.Service, Address: q.Address.String(), Time: q.At}, nil
}

func (s *stage) Plan(context.Context, string) (*Plan, error) {
	return &Plan{Problems: []Problem{{Summary: "Wrong", Text: "secret"}}}, nil
}
func (s *stage) Reload(context.Context, Peer) (*Reloaded, error)    { return &Reloaded{}, nil }
func (s *stage) Pause(context.Context, string, Peer) (*Done, error) { return &Done{}, nil }
func (s *stage) Resume(context.Context, string, Peer) (*Done, error) {
	return nil, errors.New("it broke")
}
func (s *stage) Dump(context.Context) (*Dump, error) { return &Dump{}, nil }
func (s *stage) Bans(context.Context) (*Bans, error) { return &Bans{Version: Version}, nil }

func (s *stage) Unban(_ context.Context, source netip.Prefix, _ Peer) (*Done, error) {
	return &Done{Version: Version, Text: source.String()}, nil
}

func (s *stage) Kick(_ context.Context, k Kick, _ Peer) (*Done, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kicks = append(s.kicks, k)
	return &Done{Count: 1}, nil
}

func (s *stage) Events(ctx context.Context, f Filter, line func([]byte) error) error {
	text := append(bytes.Repeat([]byte("x"), s.large), '\n')
	for {
		if err := line(text); err != nil || !f.Follow {
			return err
		}
		if s.large == 0 {
			<-ctx.Done()
			return ctx.Err()
		}
	}
}

// open serves d on a socket of its own.
func open(t *testing.T, d Daemon, mode fs.FileMode) (path string, s *Server) {
	t.Helper()
	return openWith(t, d, mode, usual)
}

// hasty has the server lose patience while a test waits for that.
var hasty = patience{arrive: 300 * time.Millisecond, take: 300 * time.Millisecond}

func openWith(t *testing.T, d Daemon, mode fs.FileMode, p patience) (path string, s *Server) {
	t.Helper()
	dir, err := os.MkdirTemp("", "superd") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, "control.sock")
	l, err := Listen(path, Access{Mode: mode, Gid: -1})
	if err != nil {
		t.Fatal(err)
	}
	s = newServer(d, p)
	served := make(chan struct{})
	go func() { defer close(served); s.Serve(l) }()
	t.Cleanup(func() { l.Close(); s.Close(); <-served })
	return path, s
}

func dial(t *testing.T, path string) net.Conn {
	t.Helper()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	return c
}

// say sends text and returns the status code and body of the answer.
func say(t *testing.T, path, text string) (int, string) {
	t.Helper()
	c := dial(t, path)
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("%.60q: %v", text, err)
	}
	defer r.Body.Close()
	body, _ := io.ReadAll(r.Body)
	return r.StatusCode, string(body)
}

// TestAnswers: each wrong request gets an answer that says what is wrong, and nothing else happens.
func TestAnswers(t *testing.T) {
	d := &stage{}
	path, _ := open(t, d, 0o600)
	request := func(method, target, rest string) string {
		return method + " " + target + " HTTP/1.1\r\nHost: superd\r\n" + rest + "\r\n"
	}
	for _, c := range []struct {
		text string
		code int
		body string
	}{
		{request("GET", "/v1/", ""), 200, `"superd": "test"`},
		{request("GET", "/v1/status", ""), 200, `"version": 1`},
		{request("GET", "/v1/status?service=x", ""), 404, `there is no service \"x\"`},
		{request("GET", "/v1/nothing", ""), 404, "superd-control(7)"},
		{request("GET", "/v2/status", ""), 404, "version 1"},
		{request("GET", "/v1status", ""), 404, ""},
		{request("POST", "/v1/status", ""), 405, "wants the method GET"},
		{request("GET", "/v1/bans", ""), 200, `"version": 1`},
		{request("POST", "/v1/unban?source=192.0.2.7", ""), 200, `"text": "192.0.2.7/32"`},
		{request("POST", "/v1/unban?source=all", ""), 200, `"text": "invalid Prefix"`},
		{request("POST", "/v1/unban?source=everybody", ""), 400, "ADDRESS, ADDRESS/BITS or all"},
		{request("GET", "/v1/reload", ""), 405, "wants the method POST"},
		{request("GET", "/v1/explain?service=a&address=nowhere", ""), 400, `\"nowhere\" is no address`},
		{request("GET", "/v1/explain?service=a&address=::1&at=noon", ""), 400, "RFC 3339"},
		{request("GET", "/v1/explain?service=a&address=::1&at=2026-01-02T03:04:05Z", ""), 200, "2026-01-02T03:04:05Z"},
		{request("GET", "/v1/status?%zz", ""), 400, "cannot be read"},
		{request("POST", "/v1/kick", ""), 400, "connection=NUMBER"},
		{request("POST", "/v1/kick?connection=-1", ""), 400, "no connection"},
		{request("POST", "/v1/kick?service=a&source=everybody", ""), 400, "connection=NUMBER"},
		{request("POST", "/v1/kick?service=a&source=10.1.2.3/8", ""), 200, `"count": 1`},
		{request("POST", "/v1/resume?service=a", ""), 500, "it broke"},
		{request("POST", "/v1/pause?service=a", "Content-Length: 5000\r\n") + strings.Repeat("x", 5000), 413, "at most 4096 bytes"},
		{request("POST", "/v1/pause?service=a", "Content-Length: 1000000000000\r\n"), 413, "at most"},
		{request("POST", "/v1/pause?service=a", "Transfer-Encoding: chunked\r\n") + "5\r\nhello\r\n0\r\n\r\n", 413, "at most"},
		{request("POST", "/v1/pause?service=a", "Content-Length: 5\r\n") + "hello", 200, ""},
		{request("GET", "/v1/", "X: "+strings.Repeat("x", 20<<10)+"\r\n"), 431, ""},
		{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, ""},
		{"GET\r\n\r\n", 400, ""},
		{request("GET", "/v1/"+strings.Repeat("x", 4000), ""), 404, ""},
	} {
		code, body := say(t, path, c.text)
		if code != c.code || !strings.Contains(body, c.body) {
			t.Errorf("%.80q: %d %s, want %d %s", c.text, code, body, c.code, c.body)
		}
		if len(body) > 2000 {
			t.Errorf("%.80q: an answer of %d bytes", c.text, len(body))
		}
	}
	if want := (Kick{Service: "a", Source: netip.MustParsePrefix("10.0.0.0/8")}); len(d.kicks) != 1 || d.kicks[0] != want {
		t.Errorf("kicked %+v", d.kicks)
	}
}

// TestHalfARequest: a client that stops in the middle is dropped when its time is over, and its memory with it.
func TestHalfARequest(t *testing.T) {
	path, s := openWith(t, &stage{}, 0o600, hasty)
	for _, text := range []string{"", "GET /v1/status HTTP/1.1\r\nHost", "POST /v1/pause?service=a HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nfour"} {
		c := dial(t, path)
		io.WriteString(c, text)
	}
	eventually(t, "three clients", func() bool { return s.Clients() == 3 })
	eventually(t, "no client any more", func() bool { return s.Clients() == 0 })
}

// TestAThousandIdleReaders: any number of clients that say nothing takes a bounded part of the daemon, and nobody's turn.
func TestAThousandIdleReaders(t *testing.T) {
	path, s := open(t, &stage{}, 0o600)
	goroutines := runtime.NumGoroutine()
	for range 1000 {
		dial(t, path)
	}
	if code, _ := say(t, path, "GET /v1/ HTTP/1.1\r\nHost: superd\r\nConnection: close\r\n\r\n"); code != 200 {
		t.Errorf("answer %d", code)
	}
	if n := s.Clients(); n > maxClients {
		t.Errorf("%d clients", n)
	}
	eventually(t, "few goroutines", func() bool { return runtime.NumGoroutine()-goroutines < 3*maxClients })
}

// TestBusy: when all are being answered, the next client is told so or turned away, and there is room again afterwards.
func TestBusy(t *testing.T) {
	d := &stage{held: make(chan struct{})}
	path, s := open(t, d, 0o600)
	for range maxClients {
		io.WriteString(dial(t, path), "GET /v1/status HTTP/1.1\r\nHost: superd\r\n\r\n")
	}
	busy := func() bool {
		s.clients.mu.Lock()
		defer s.clients.mu.Unlock()
		n := 0
		for c := range s.clients.all {
			if !c.idle {
				n++
			}
		}
		return n == maxClients
	}
	eventually(t, "all of them are being answered", busy)
	if _, err := io.ReadAll(dial(t, path)); err != nil && !errors.Is(err, unix.ECONNRESET) {
		t.Errorf("one more: %v, want to be turned away", err)
	}
	close(d.held)
	eventually(t, "room again", func() bool { return !busy() })
	if code, _ := say(t, path, "GET /v1/ HTTP/1.1\r\nHost: superd\r\n\r\n"); code != 200 {
		t.Errorf("answer %d", code)
	}
}

// TestSlowReader: one that follows events and does not read is dropped; one too many is told so.
func TestSlowReader(t *testing.T) {
	d := &stage{large: 64 << 10}
	path, s := openWith(t, d, 0o600, hasty)
	slow := dial(t, path)
	io.WriteString(slow, "GET /v1/events?follow=1 HTTP/1.1\r\nHost: superd\r\n\r\n")
	eventually(t, "it follows", func() bool { return len(s.followers) == 1 })
	eventually(t, "it is dropped", func() bool { return len(s.followers) == 0 && s.Clients() == 0 })

	d.large = 0
	for range maxFollowers {
		io.WriteString(dial(t, path), "GET /v1/events?follow=1 HTTP/1.1\r\nHost: superd\r\n\r\n")
	}
	eventually(t, "as many as may follow", func() bool { return len(s.followers) == maxFollowers })
	if code, body := say(t, path, "GET /v1/events HTTP/1.1\r\nHost: superd\r\n\r\n"); code != 503 || !strings.Contains(body, "16 clients") {
		t.Errorf("one more: %d %s", code, body)
	}
}

// TestEventsOutliveTheTimeOfARequest: a stream goes on when the time is over that a request has to arrive.
func TestEventsOutliveTheTimeOfARequest(t *testing.T) {
	path, s := openWith(t, &stage{}, 0o600, hasty)
	c, err := Dial(context.Background(), []string{path}, "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*hasty.arrive)
	defer cancel()
	began, lines := time.Now(), 0
	err = c.Events(ctx, Filter{Follow: true}, func(string) error { lines++; return nil })
	if !errors.Is(err, context.DeadlineExceeded) || lines != 1 || time.Since(began) < hasty.arrive {
		t.Errorf("%v after %v and %d lines", err, time.Since(began), lines)
	}
	eventually(t, "the server notices", func() bool { return len(s.followers) == 0 })
}

// TestListen: what a dead daemon left is replaced; what somebody serves, or is no socket, is left alone.
func TestListen(t *testing.T) {
	path, _ := open(t, &stage{}, 0o640)
	info, err := os.Lstat(path)
	if err != nil || info.Mode() != fs.ModeSocket|0o640 {
		t.Fatalf("%v %v", info, err)
	}
	if _, err := Listen(path, Access{Mode: 0o600}); err == nil || !strings.Contains(err.Error(), "another superd") {
		t.Errorf("a live daemon's socket: %v", err)
	}
	if code, _ := say(t, path, "GET /v1/ HTTP/1.1\r\nHost: superd\r\n\r\n"); code != 200 {
		t.Errorf("and then it answers %d", code)
	}
	folder := filepath.Dir(path)

	foreign := filepath.Join(folder, "foreign")
	other, err := net.Listen("unix", foreign)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := Listen(foreign, Access{Mode: 0o600}); err == nil || !strings.Contains(err.Error(), "somebody else serves") {
		t.Errorf("another program's socket: %v", err)
	}

	file := filepath.Join(folder, "file")
	if err := os.WriteFile(file, []byte("dear"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(file, Access{Mode: 0o600}); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("a file: %v", err)
	}
	if text, _ := os.ReadFile(file); string(text) != "dear" {
		t.Errorf("the file is %q now", text)
	}

	link := filepath.Join(folder, "link")
	if err := os.Symlink(file, link+".lock"); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(link, Access{Mode: 0o600}); !errors.Is(err, unix.ELOOP) {
		t.Errorf("a lock that is a link: %v", err)
	}

	stale := filepath.Join(folder, "stale")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	dead.Close()
	l, err := Listen(stale, Access{Mode: 0o600, Gid: -1})
	if err != nil {
		t.Fatalf("a dead daemon's socket: %v", err)
	}
	if err := l.Retune(Access{Mode: 0o660, Gid: -1}); err != nil {
		t.Error(err)
	}
	if info, err := os.Lstat(stale); err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("retuned: %v %v", info, err)
	}
	l.Close()
	if _, err := os.Lstat(stale); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("closed: %v", err)
	}

	if _, err := Listen(filepath.Join(folder, strings.Repeat("x", 100)), Access{}); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("a long path: %v", err)
	}
	if _, err := Listen(filepath.Join(folder, "a", "b", "c"), Access{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
}

// TestDial finds the daemon that runs a file, or the only one there is.
func TestDial(t *testing.T) {
	path, _ := open(t, &stage{}, 0o600)
	nobody := filepath.Join(filepath.Dir(path), "nobody")
	c, err := Dial(context.Background(), []string{nobody, path}, "/etc/superd/superd.hcl")
	if err != nil || c.path != path {
		t.Fatalf("%+v %v", c, err)
	}
	if _, err := Dial(context.Background(), []string{nobody}, ""); !errors.Is(err, ErrNoDaemon) {
		t.Errorf("%v", err)
	}
	var refused *Error
	if _, err := c.Status(context.Background(), []string{"x"}, false); !errors.As(err, &refused) || refused.Code != 404 {
		t.Errorf("%v", err)
	}
}

func TestDefaultPaths(t *testing.T) {
	t.Setenv("RUNTIME_DIRECTORY", "/run/a:/run/b")
	if p := DefaultPaths(); len(p) != 1 || p[0] != "/run/a/control.sock" {
		t.Errorf("under systemd: %q", p)
	}
	t.Setenv("RUNTIME_DIRECTORY", "")
	t.Setenv("XDG_RUNTIME_DIR", "/run/user/1000")
	want := []string{"/run/superd/control.sock", "/run/user/1000/superd/control.sock"}
	if os.Geteuid() == 0 {
		want = want[:1]
	}
	if p := DefaultPaths(); strings.Join(p, " ") != strings.Join(want, " ") {
		t.Errorf("%q, want %q", p, want)
	}
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never came about: %s", what)
		}
	}
}

// TestPace: of many who ask at once one is answered, and another a while later.
func TestPace(t *testing.T) {
	var p pace
	at := time.Unix(1000, 0)
	for i, want := range []bool{true, false, false, false, true, false} {
		if got := p.passes(at.Add(time.Duration(i)*time.Second), 4*time.Second); got != want {
			t.Errorf("after %d s: %v", i, got)
		}
	}
}
