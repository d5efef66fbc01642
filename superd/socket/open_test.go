package socket

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"superd/superd/config"
)

func TestOpen(t *testing.T) {
	for _, l := range loopbacks {
		for _, kind := range []config.SocketType{config.Stream, config.Dgram} {
			t.Run(kind.String()+" "+l.name, func(t *testing.T) {
				s := mustOpen(t, endpoint(kind, l.bind), Sharing{})
				if s.LocalAddr().Port() == 0 || s.LocalAddr().Addr() != s.Endpoint().Addr.Addr() {
					t.Errorf("bound to %v", s.LocalAddr())
				}
				s.control(func(fd int) error {
					if status, descriptor := flags(t, fd); status&unix.O_NONBLOCK == 0 || descriptor&unix.FD_CLOEXEC == 0 {
						t.Errorf("flags %#x, %#x: want nonblocking, close-on-exec", status, descriptor)
					}
					reuse, _ := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR)
					if want := flag(kind == config.Stream); reuse != want {
						t.Errorf("SO_REUSEADDR is %d, want %d", reuse, want)
					}
					return nil
				})
				network := map[config.SocketType]string{config.Stream: "tcp", config.Dgram: "udp"}[kind]
				send(t, dial(t, network, reach(s, l.dial)), "x")
				if err := s.WaitReadable(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func TestOpenV6Only(t *testing.T) {
	e := endpoint(config.Stream, "[::]:0")
	e.V6Only = true
	s := mustOpen(t, e, Sharing{})
	if c, err := net.Dial("tcp", reach(s, "127.0.0.1")); err == nil {
		c.Close()
		t.Error("IPv4 reaches it")
	}
	dial(t, "tcp", reach(s, "::1"))
}

func TestOpenInUse(t *testing.T) {
	for _, kind := range []config.SocketType{config.Stream, config.Dgram} {
		s := mustOpen(t, endpoint(kind, "127.0.0.1:0"), Sharing{})
		e := s.Endpoint()
		e.Addr = s.LocalAddr()
		_, err := Open(e, config.SocketOptions{}, Sharing{})
		if !errors.Is(err, unix.EADDRINUSE) || !strings.Contains(err.Error(), name(e)) {
			t.Errorf("got %v", err)
		}
	}
}

func TestOpenAddressAbsent(t *testing.T) {
	_, err := Open(endpoint(config.Stream, "192.0.2.1:0"), config.SocketOptions{}, Sharing{})
	if !errors.Is(err, unix.EADDRNOTAVAIL) {
		t.Errorf("got %v", err)
	}
}

func TestOpenDeviceAbsent(t *testing.T) {
	e := endpoint(config.Stream, "127.0.0.1:0")
	e.Device = "nosuch0"
	if _, err := Open(e, config.SocketOptions{}, Sharing{}); !errors.Is(err, unix.ENODEV) {
		t.Errorf("got %v", err)
	}
}

func TestOpenWithoutIPv6(t *testing.T) {
	defer func() { sysSocket = unix.Socket }()
	sysSocket = func(family, kind, protocol int) (int, error) {
		if family == unix.AF_INET6 {
			return -1, unix.EAFNOSUPPORT
		}
		return unix.Socket(family, kind, protocol)
	}
	e := endpoint(config.Stream, "[::]:0")
	s := mustOpen(t, e, Sharing{})
	if s.LocalAddr().Addr() != netip.IPv4Unspecified() || s.Endpoint() != e {
		t.Errorf("%v at %v", s.Endpoint(), s.LocalAddr())
	}
	dial(t, "tcp", reach(s, "127.0.0.1"))
	e.V6Only = true
	if _, err := Open(e, config.SocketOptions{}, Sharing{}); err == nil {
		t.Error("v6only falls back")
	}
}

// overlaps are moves of a service during which both sockets are open.
var overlaps = []struct{ old, new string }{
	{"127.0.0.1", "::"}, {"::", "127.0.0.1"}, {"0.0.0.0", "::"}, {"::1", "::"}, {"127.0.0.1", "0.0.0.0"}, {"::", "::1"},
}

func TestOverlap(t *testing.T) {
	for _, kind := range []config.SocketType{config.Stream, config.Dgram} {
		for _, o := range overlaps {
			t.Run(kind.String()+" "+o.old+" to "+o.new, func(t *testing.T) {
				old := mustOpen(t, config.Endpoint{SocketType: kind, Addr: netip.AddrPortFrom(netip.MustParseAddr(o.old), 0)}, Sharing{})
				e := config.Endpoint{SocketType: kind, Addr: netip.AddrPortFrom(netip.MustParseAddr(o.new), old.LocalAddr().Port())}
				if _, err := Open(e, config.SocketOptions{}, Sharing{}); !errors.Is(err, unix.EADDRINUSE) {
					t.Fatalf("without sharing: %v", err)
				}
				s := mustOpen(t, e, Sharing{Retiring: []*Socket{old}})
				strangerStaysOut(t, s)
				reachable(t, s, old)
				old.Close()
				reachable(t, s)
			})
		}
	}
}

// strangerStaysOut: nobody else gets onto the port after the sharing. What the same user can do to a TCP port
// that was shared once is beyond us.
func strangerStaysOut(t *testing.T, s *Socket) {
	t.Helper()
	try := func(o int) {
		t.Helper()
		if err := intrude(s, o); err != unix.EADDRINUSE {
			t.Errorf("a stranger with option %d: %v", o, err)
		}
	}
	try(0)
	try(unix.SO_REUSEADDR)
	if s.Endpoint().SocketType == config.Dgram {
		try(unix.SO_REUSEPORT)
	}
	if os.Getuid() == 0 {
		asOther(func() {
			try(unix.SO_REUSEADDR)
			try(unix.SO_REUSEPORT)
		})
	}
}

// asOther runs f with another user's file system identity, which is the one that sockets belong to.
func asOther(f func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	unix.SetfsuidRetUid(65534)
	defer unix.SetfsuidRetUid(0)
	f()
}

func intrude(s *Socket, reuse int) error {
	at := netip.AddrPortFrom(s.Endpoint().Addr.Addr(), s.LocalAddr().Port())
	fd, err := newSocket(s.Endpoint(), at)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if reuse != 0 {
		set(fd, option{unix.SOL_SOCKET, reuse, 1})
	}
	if err := unix.Bind(fd, sockaddr(at)); err != nil || s.Endpoint().SocketType == config.Dgram {
		return err
	}
	return unix.Listen(fd, 1)
}

// reachable sends to the loopback address of each family that any of the sockets covers, and wants one of
// them to be readable.
func reachable(t *testing.T, sockets ...*Socket) {
	t.Helper()
	for _, s := range sockets {
		host := s.LocalAddr().Addr().String()
		if s.LocalAddr().Addr().IsUnspecified() {
			host = "127.0.0.1"
		}
		if s.Endpoint().SocketType == config.Stream {
			dial(t, "tcp", reach(s, host))
		} else {
			send(t, dial(t, "udp", reach(s, host)), "x")
		}
		got := 0
		for _, s := range sockets {
			got += take(t, s)
		}
		if got != 1 {
			t.Errorf("%d sockets got what was sent to %s", got, host)
		}
	}
}

func take(t *testing.T, s *Socket) (got int) {
	s.control(func(fd int) error {
		if readable(fd, 0) {
			got = 1
		}
		return nil
	})
	if got == 1 && s.Endpoint().SocketType == config.Stream {
		fd, _ := accept1(t, s, false)
		unix.Close(fd)
	} else if got == 1 {
		s.Drop()
	}
	return got
}

func TestRetune(t *testing.T) {
	s := stream(t, "127.0.0.1:0")
	if err := s.Retune(config.SocketOptions{Backlog: 7, NoDelay: true, KeepAlive: true}); err != nil {
		t.Fatal(err)
	}
	dial(t, "tcp", s.LocalAddr().String())
	fd, _ := accept1(t, s, false)
	defer unix.Close(fd)
	noDelay, _ := unix.GetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY)
	keepAlive, _ := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE)
	if noDelay != 1 || keepAlive != 1 {
		t.Errorf("an accepted connection has nodelay %d, keepalive %d", noDelay, keepAlive)
	}
	s.control(func(fd int) error {
		if info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO); err != nil || info.Sacked != 7 {
			t.Errorf("backlog %d (%v)", info.Sacked, err)
		}
		return nil
	})
}
