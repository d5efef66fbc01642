package socket

import (
	"net/netip"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"superd/superd/config"
)

func TestAccept(t *testing.T) {
	for _, l := range loopbacks {
		t.Run(l.name, func(t *testing.T) {
			s := stream(t, l.bind)
			for _, nonblock := range []bool{false, true} {
				c := dial(t, "tcp", reach(s, l.dial))
				fd, peer := accept1(t, s, nonblock)
				defer unix.Close(fd)
				if peer != addrOf(c) {
					t.Errorf("peer %v, want %v", peer, addrOf(c))
				}
				status, descriptor := flags(t, fd)
				if descriptor&unix.FD_CLOEXEC == 0 || (status&unix.O_NONBLOCK != 0) != nonblock {
					t.Errorf("nonblock %v: flags %#x, %#x", nonblock, status, descriptor)
				}
				if local, err := Local(fd); err != nil || local.String() != c.RemoteAddr().String() {
					t.Errorf("local %v (%v), want %v", local, err, c.RemoteAddr())
				}
				if !nonblock {
					domain, _ := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
					sa, _ := unix.Getsockname(fd)
					_, is4 := sa.(*unix.SockaddrInet4)
					if want := netip.MustParseAddr(l.peer).Is4(); (domain == unix.AF_INET) != want || is4 != want {
						t.Errorf("a program would see domain %d, %T", domain, sa)
					}
				}
			}
		})
	}
}

// parked starts call in a goroutine. Whether it has come to the poller when the test goes on must make no difference.
func parked(t *testing.T, call func() error) <-chan error {
	t.Helper()
	result := make(chan error, 1)
	go func() { result <- call() }()
	runtime.Gosched()
	return result
}

func ends(t *testing.T, result <-chan error, want error) {
	t.Helper()
	select {
	case err := <-result:
		if err != want {
			t.Errorf("got %v, want %v", err, want)
		}
	case <-time.After(patience):
		t.Fatalf("still parked, want %v", want)
	}
}

// calls are those that park.
func calls(s *Socket) map[string]func() error {
	c := map[string]func() error{"WaitReadable": s.WaitReadable}
	if s.Endpoint().SocketType == config.Stream {
		c["Accept"] = func() error {
			fd, _, err := s.Accept(false)
			if err == nil {
				unix.Close(fd)
			}
			return err
		}
	} else {
		c["Recv"] = func() error { _, _, _, err := s.Recv(make([]byte, 10)); return err }
	}
	return c
}

func TestInterrupt(t *testing.T) {
	for _, kind := range []config.SocketType{config.Stream, config.Dgram} {
		for name := range calls(&Socket{endpoint: config.Endpoint{SocketType: kind}}) {
			t.Run(kind.String()+" "+name, func(t *testing.T) {
				s := mustOpen(t, endpoint(kind, "127.0.0.1:0"), Sharing{})
				call := calls(s)[name]
				waiting := parked(t, call)
				s.Interrupt()
				ends(t, waiting, ErrInterrupted)
				if kind == config.Stream {
					dial(t, "tcp", s.LocalAddr().String())
				} else {
					send(t, dial(t, "udp", s.LocalAddr().String()), "x")
				}
				ends(t, parked(t, call), ErrInterrupted) // even though something is there
				s.Resume()
				ends(t, parked(t, call), nil)
			})
		}
	}
}

func TestCloseEndsParked(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "[::]:0"} {
		for _, kind := range []config.SocketType{config.Stream, config.Dgram} {
			s := mustOpen(t, endpoint(kind, addr), Sharing{})
			var waiting []<-chan error
			for _, call := range calls(s) {
				waiting = append(waiting, parked(t, call))
			}
			s.Close()
			for _, w := range waiting {
				ends(t, w, ErrClosed)
			}
			for _, call := range calls(s) {
				ends(t, parked(t, call), ErrClosed)
			}
			if _, err := s.Lend(); err == nil {
				t.Error("a closed socket can be lent")
			}
		}
	}
}

func TestAcceptExhausted(t *testing.T) {
	s := stream(t, "127.0.0.1:0")
	dial(t, "tcp", s.LocalAddr().String())
	dial(t, "tcp", s.LocalAddr().String())
	fd, _ := accept1(t, s, false) // the next connection would get this number or a higher one
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	unix.Close(fd)
	low := limit
	low.Cur = uint64(fd)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	_, _, err := s.Accept(false)
	unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)
	if !Exhausted(err) {
		t.Errorf("got %v", err)
	}
	fd, _ = accept1(t, s, false) // the connection is still there
	unix.Close(fd)
}

func TestBacklog(t *testing.T) {
	s := stream(t, "[::]:0")
	for want := range 3 {
		eventually(t, "the backlog has grown", func() bool {
			n, err := s.Backlog()
			return err == nil && n == want
		})
		dial(t, "tcp", reach(s, "127.0.0.1"))
	}
	if _, err := dgram(t, "127.0.0.1:0").Backlog(); err == nil {
		t.Error("datagrams have a backlog")
	}
}

func TestWaitReadableTakesNothing(t *testing.T) {
	s := stream(t, "127.0.0.1:0")
	waiting := parked(t, s.WaitReadable)
	c := dial(t, "tcp", s.LocalAddr().String())
	ends(t, waiting, nil)
	ends(t, parked(t, s.WaitReadable), nil) // level, not edge
	fd, peer := accept1(t, s, false)
	unix.Close(fd)
	if peer != addrOf(c) {
		t.Errorf("accepted %v", peer)
	}
}

// TestLend does to the socket what wait programs do.
func TestLend(t *testing.T) {
	for _, kind := range []config.SocketType{config.Stream, config.Dgram} {
		t.Run(kind.String(), func(t *testing.T) {
			free := mustOpen(t, endpoint(kind, "127.0.0.1:0"), Sharing{})
			free.Close()
			// A port that was asked for survives shutdown(2) and disconnection; one that the kernel chose does not.
			s := mustOpen(t, config.Endpoint{SocketType: kind, Addr: free.LocalAddr()}, Sharing{})
			fd, err := s.Lend()
			if err != nil {
				t.Fatal(err)
			}
			if status, _ := flags(t, fd); status&unix.O_NONBLOCK != 0 {
				t.Error("lent in nonblocking mode")
			}
			if kind == config.Stream {
				err = unix.Shutdown(fd, unix.SHUT_RDWR)
			} else {
				err = unix.Connect(fd, sockaddr(netip.MustParseAddrPort("127.0.0.1:9")))
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Reclaim(); err != nil {
				t.Fatal(err)
			}
			if status, _ := flags(t, fd); status&unix.O_NONBLOCK == 0 {
				t.Error("reclaimed in blocking mode")
			}
			if local, _ := Local(fd); local != s.LocalAddr() {
				t.Errorf("reclaimed at %v, was %v", local, s.LocalAddr())
			}
			reachable(t, s)
			waiting := parked(t, s.WaitReadable)
			s.Interrupt()
			ends(t, waiting, ErrInterrupted)
		})
	}
}

// TestDrainQueued holds for an ordinary user too, who may set no filter: whoever is queued is served, not reset.
func TestDrainQueued(t *testing.T) {
	s := stream(t, "127.0.0.1:0")
	const queued = 5
	for range queued {
		dial(t, "tcp", s.LocalAddr().String())
	}
	if err := s.Retire(50 * time.Millisecond); err != nil {
		t.Fatal(err)
	}
	for range queued {
		fd, _ := accept1(t, s, false)
		unix.Close(fd)
	}
	ends(t, parked(t, calls(s)["Accept"]), ErrDrained)
}

func TestRetireStream(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can keep newcomers out")
	}
	for _, addr := range []string{"127.0.0.1:0", "[::]:0"} {
		s := stream(t, addr)
		queued := dial(t, "tcp", reach(s, "127.0.0.1"))
		if err := s.Retire(50 * time.Millisecond); err != nil {
			t.Fatal(err)
		}
		// A newcomer gets no answer at all: neither a connection nor a reset.
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		unix.Connect(fd, sockaddr(netip.MustParseAddrPort(reach(s, "127.0.0.1"))))
		first, peer := accept1(t, s, false)
		if peer != addrOf(queued) {
			t.Errorf("accepted %v, want %v", peer, addrOf(queued))
		}
		ends(t, parked(t, calls(s)["Accept"]), ErrDrained)
		if info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO); err != nil || info.State != unix.BPF_TCP_SYN_SENT {
			t.Errorf("the newcomer is in state %d (%v)", info.State, err)
		}
		s.Close()
		unix.Write(first, []byte("hello"))
		if got := receive(t, queued); got != "hello" {
			t.Errorf("got %q", got)
		}
		unix.Close(first)
	}
}

// TestRetireHandshake: a client that believes itself connected is, although its handshake ends after Retire. A
// listener with TCP_DEFER_ACCEPT waits for the first data with that.
func TestRetireHandshake(t *testing.T) {
	for _, l := range loopbacks {
		s := stream(t, l.bind)
		err := s.control(func(fd int) error { return set(fd, option{unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 5}) })
		if err != nil {
			t.Fatal(err)
		}
		c := dial(t, "tcp", reach(s, l.dial))
		if err := s.Retire(patience); err != nil {
			t.Fatal(err)
		}
		if n, _ := s.Backlog(); n != 0 {
			t.Fatal("the handshake is over already")
		}
		send(t, c, "hello")
		fd, peer := accept1(t, s, false)
		unix.Close(fd)
		if peer != addrOf(c) {
			t.Errorf("accepted %v", peer)
		}
	}
}

func TestRetireDgram(t *testing.T) {
	s := dgram(t, "127.0.0.1:0")
	c := dial(t, "udp", s.LocalAddr().String())
	send(t, c, "before")
	if err := s.Retire(0); err != nil {
		t.Fatal(err)
	}
	send(t, c, "after")
	if got := recv(t, s).text; got != "before" {
		t.Errorf("got %q", got)
	}
	ends(t, parked(t, calls(s)["Recv"]), ErrDrained)
}

// TestParkedCost holds the price of an idle service down: ten thousand of them are a normal day.
func TestParkedCost(t *testing.T) {
	const sockets = 500
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var parked sync.WaitGroup
	var open []*Socket
	for range sockets {
		s := stream(t, "127.0.0.1:0")
		open = append(open, s)
		parked.Go(func() { s.Accept(false) })
	}
	time.Sleep(50 * time.Millisecond) // a goroutine that has not parked yet costs no more than one that has
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := (after.HeapInuse + after.StackInuse + after.OtherSys - before.HeapInuse - before.StackInuse - before.OtherSys) / sockets
	t.Logf("%d bytes for each open socket with a parked Accept", each)
	if each > 8<<10 {
		t.Errorf("that is too much")
	}
	for _, s := range open {
		s.Close()
	}
	parked.Wait()
}
