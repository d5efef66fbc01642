package socket

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"superd/superd/config"
)

// handOver is what the service manager does with a socket: a duplicate lives on when s is closed.
func handOver(t *testing.T, s *Socket) (fd int) {
	t.Helper()
	must(t, s.Share(func(own int) (err error) { fd, err = unix.Dup(own); return err }))
	s.Close()
	return fd
}

// TestAdopt: a socket of each kind goes on under its next owner, and whoever came in between is served.
func TestAdopt(t *testing.T) {
	for _, l := range loopbacks {
		t.Run(l.name, func(t *testing.T) {
			old := stream(t, l.bind)
			must(t, old.Retire(0)) // leaves a filter
			must(t, old.Share(func(fd int) error { return reusePort(fd, 1) }))
			_, err := old.Lend() // leaves blocking mode
			must(t, err)
			at := reach(old, l.dial)
			e := old.Endpoint()
			e.Addr = old.LocalAddr()
			fd := handOver(t, old)

			described, err := Describe(fd)
			must(t, err)
			if described != Canonical(e) {
				t.Fatalf("described as %v, is %v", described, e)
			}
			s, err := Adopt(fd, e, config.SocketOptions{NoDelay: true, Backlog: 7})
			must(t, err)
			defer s.Close()
			c := dial(t, "tcp", at)
			accepted, peer, err := s.Accept(false)
			must(t, err)
			defer unix.Close(accepted)
			if peer != addrOf(c) {
				t.Errorf("peer %v, is %v", peer, addrOf(c))
			}
			if on, err := unix.GetsockoptInt(accepted, unix.IPPROTO_TCP, unix.TCP_NODELAY); err != nil || on != 1 {
				t.Errorf("TCP_NODELAY %d, %v", on, err)
			}
			must(t, s.Share(func(fd int) error {
				if port, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT); err != nil || port != 0 {
					t.Errorf("SO_REUSEPORT %d, %v", port, err)
				}
				if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags != unix.FD_CLOEXEC {
					t.Errorf("descriptor flags %d, %v", flags, err)
				}
				return nil
			}))
			go s.Interrupt() // a socket in blocking mode would not notice
			if _, _, err := s.Accept(false); !errors.Is(err, ErrInterrupted) {
				t.Error(err)
			}
		})
	}
}

func TestAdoptDgram(t *testing.T) {
	old := dgram(t, "127.0.0.1:0")
	e := old.Endpoint()
	e.Addr = old.LocalAddr()
	at := reach(old, "127.0.0.1")
	fd := handOver(t, old)
	c := dial(t, "udp", at)
	send(t, c, "between") // while nobody serves
	s, err := Adopt(fd, e, config.SocketOptions{})
	must(t, err)
	defer s.Close()
	buf := make([]byte, 100)
	n, peer, _, err := s.Recv(buf)
	if err != nil || string(buf[:n]) != "between" || peer != addrOf(c) {
		t.Errorf("%q from %v, %v", buf[:n], peer, err)
	}
}

func TestDescribe(t *testing.T) {
	device := endpoint(config.Stream, "0.0.0.0:0")
	device.Device = "lo"
	v6only := endpoint(config.Dgram, "[::]:0")
	v6only.V6Only = true
	for _, e := range []config.Endpoint{
		device, v6only, endpoint(config.Stream, "[::]:0"), endpoint(config.Dgram, "127.0.0.3:0"), endpoint(config.Stream, "[::1]:0"),
	} {
		if e.Device != "" {
			needRoot(t)
		}
		s := mustOpen(t, e, Sharing{})
		e.Addr = s.LocalAddr()
		must(t, s.Share(func(fd int) error {
			got, err := Describe(fd)
			if err != nil || got != Canonical(e) {
				t.Errorf("%v is described as %v, %v", e, got, err)
			}
			return nil
		}))
	}
}

// TestDescribeRefuses what cannot be an endpoint.
func TestDescribeRefuses(t *testing.T) {
	refuse := func(what string, fd int) {
		t.Helper()
		if e, err := Describe(fd); err == nil {
			t.Errorf("%s is described as %v", what, e)
		}
	}
	file, err := os.Open(os.DevNull)
	must(t, err)
	defer file.Close()
	refuse("a device", int(file.Fd()))
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	must(t, err)
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	refuse("a unix socket", pair[0])
	mapped, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM, 0)
	must(t, err)
	defer unix.Close(mapped)
	var four [16]byte
	copy(four[10:], []byte{0xff, 0xff, 127, 0, 0, 1})
	must(t, unix.Bind(mapped, &unix.SockaddrInet6{Addr: four}))
	refuse("a mapped address", mapped)
	c := dial(t, "tcp", reach(stream(t, "127.0.0.1:0"), "127.0.0.1"))
	raw, err := c.(*net.TCPConn).SyscallConn()
	must(t, err)
	must(t, raw.Control(func(fd uintptr) { refuse("a connection", int(fd)) }))
	refuse("nothing", 1<<20)
}

func TestWaiting(t *testing.T) {
	s := stream(t, "127.0.0.1:0")
	if s.Waiting() {
		t.Error("nobody waits")
	}
	c := dial(t, "tcp", reach(s, "127.0.0.1"))
	for end := time.Now().Add(patience); !s.Waiting(); {
		if time.Now().After(end) {
			t.Fatal("somebody waits")
		}
	}
	fd, _, err := s.Accept(false)
	must(t, err)
	unix.Close(fd)
	if s.Waiting() {
		t.Error("nobody waits any more")
	}
	if _, err := c.Read(make([]byte, 1)); err != io.EOF {
		t.Error(err)
	}
}
