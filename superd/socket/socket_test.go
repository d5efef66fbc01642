package socket

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"superd/superd/config"
)

// patience bounds every wait of these tests; none of them waits that long unless it fails.
const patience = 5 * time.Second

// loopbacks are the three kinds of socket, and how a client reaches each.
var loopbacks = []struct{ name, bind, dial, peer string }{
	{"IPv4", "127.0.0.1:0", "127.0.0.1", "127.0.0.1"},
	{"IPv6", "[::1]:0", "::1", "::1"},
	{"dual-stack by IPv4", "[::]:0", "127.0.0.1", "127.0.0.1"},
	{"dual-stack by IPv6", "[::]:0", "::1", "::1"},
}

func endpoint(t config.SocketType, addr string) config.Endpoint {
	return config.Endpoint{SocketType: t, Addr: netip.MustParseAddrPort(addr)}
}

func mustOpen(t *testing.T, e config.Endpoint, sh Sharing) *Socket {
	t.Helper()
	s, err := Open(e, config.SocketOptions{}, sh)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func stream(t *testing.T, addr string) *Socket {
	t.Helper()
	return mustOpen(t, endpoint(config.Stream, addr), Sharing{})
}

func dgram(t *testing.T, addr string) *Socket {
	t.Helper()
	return mustOpen(t, endpoint(config.Dgram, addr), Sharing{})
}

// reach is the address at which a client of this machine finds s.
func reach(s *Socket, host string) string {
	return net.JoinHostPort(host, fmt.Sprint(s.LocalAddr().Port()))
}

func dial(t *testing.T, network, addr string) net.Conn {
	t.Helper()
	c, err := net.DialTimeout(network, addr, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return c
}

// addrOf is a client's own address.
func addrOf(c net.Conn) netip.AddrPort { return netip.MustParseAddrPort(c.LocalAddr().String()) }

func send(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

func receive(t *testing.T, c net.Conn) string {
	t.Helper()
	var b [65536]byte
	n, err := c.Read(b[:])
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

// datagram is what Recv gives.
type datagram struct {
	text string
	peer netip.AddrPort
	to   Destination
}

func recv(t *testing.T, s *Socket) datagram {
	t.Helper()
	watchdog := time.AfterFunc(patience, s.Interrupt)
	defer watchdog.Stop()
	var b [65536]byte
	n, peer, to, err := s.Recv(b[:])
	if err != nil {
		t.Fatal(err)
	}
	return datagram{string(b[:n]), peer, to}
}

func accept1(t *testing.T, s *Socket, nonblock bool) (int, netip.AddrPort) {
	t.Helper()
	watchdog := time.AfterFunc(patience, s.Interrupt)
	defer watchdog.Stop()
	fd, peer, err := s.Accept(nonblock)
	if err != nil {
		t.Fatal(err)
	}
	return fd, peer
}

// empty fails if a datagram is queued. Loopback delivers before send returns.
func empty(t *testing.T, s *Socket) {
	t.Helper()
	var b [100]byte
	if n, peer, err := s.Peek(b[:]); err != ErrEmpty {
		t.Errorf("the listener holds %q from %v (%v), want nothing", b[:n], peer, err)
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

func flags(t *testing.T, fd int) (status, descriptor int) {
	t.Helper()
	status, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil {
		t.Fatal(err)
	}
	descriptor, err = unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	if err != nil {
		t.Fatal(err)
	}
	return status, descriptor
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
}

// TestOrdinaryUser runs the tests that have a second way of doing things once more, as nobody.
func TestOrdinaryUser(t *testing.T) {
	needRoot(t)
	dir, err := os.MkdirTemp("", "socket-test-") // t.TempDir's parents are closed to others
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(dir, "socket.test")
	if err := os.WriteFile(copied, self, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(copied, "-test.run=^Test(Connected|Forward|Branch|Open|Overlap|Drain)", "-test.v")
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}
