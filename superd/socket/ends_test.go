package socket

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// elsewhere runs the test in a process of its own with a network of its own, where nobody else's connections end, and reports
// whether it has. An ordinary user's tests share the network.
func elsewhere(t *testing.T) bool {
	t.Helper()
	const inside = "SUPERD_TEST_NETWORK"
	switch {
	case os.Getuid() != 0:
		return false
	case os.Getenv(inside) != "":
		ctl, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		must(t, err)
		defer unix.Close(ctl)
		up := request(t, "lo")
		up.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
		must(t, unix.IoctlIfreq(ctl, unix.SIOCSIFFLAGS, up))
		return false
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	out, err := cmd.CombinedOutput()
	switch {
	case errors.Is(err, syscall.EPERM):
		t.Logf("no network namespace: %v", err)
		return false
	case err != nil:
		t.Errorf("%v\n%s", err, out)
	default:
		t.Logf("%s", out)
	}
	return true
}

func watchEnds(t *testing.T, missed func()) *Ends {
	t.Helper()
	if missed == nil {
		missed = func() { t.Error("the kernel had more to tell than was read") }
	}
	e, err := WatchEnds(missed)
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EAFNOSUPPORT) {
		t.Skipf("netlink is forbidden here: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

// pair is a connection: the client's end, and the descriptor that a program would get.
func pair(t *testing.T, address string) (client *net.TCPConn, fd int, local, peer netip.AddrPort) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Skipf("%s is not there: %v", address, err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	f, err := server.(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	defer server.Close()
	fd, err = unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	addrPort := func(a net.Addr) netip.AddrPort { return a.(*net.TCPAddr).AddrPort() }
	return c.(*net.TCPConn), fd, addrPort(server.LocalAddr()), addrPort(server.RemoteAddr())
}

// told is what a tell was told.
type told struct {
	traffic *Traffic
	final   bool
}

func teller() (chan told, func(*Traffic, bool)) {
	c := make(chan told, 4)
	return c, func(t *Traffic, final bool) { c <- told{t, final} }
}

func tells(t *testing.T, c <-chan told) told {
	t.Helper()
	select {
	case x := <-c:
		return x
	case <-time.After(10 * time.Second):
		t.Fatal("nothing is told")
		return told{}
	}
}

func TestEndsTellTheBytes(t *testing.T) {
	if elsewhere(t) {
		return
	}
	e := watchEnds(t, nil)
	for _, c := range []struct {
		name, address string
		in, out       int
		clientFirst   bool
	}{
		{"nothing, the client ends", "127.0.0.1:0", 0, 0, true},
		{"nothing, the program ends", "127.0.0.1:0", 0, 0, false},
		{"the client ends", "127.0.0.1:0", 5, 7, true},
		{"the program ends", "127.0.0.1:0", 5, 7, false},
		{"much", "127.0.0.1:0", 3_000_001, 2_000_003, true},
		{"IPv6", "[::1]:0", 1000, 2000, true},
	} {
		for _, order := range []string{"When first", "the end first"} {
			t.Run(c.name+", "+order, func(t *testing.T) {
				client, fd, local, peer := pair(t, c.address)
				x, err := e.Watch(fd, local, peer)
				if err != nil {
					t.Fatal(err)
				}
				server := os.NewFile(uintptr(fd), "server")
				exchange(t, client, server, c.in, c.out)
				if c.clientFirst {
					client.Close()
					if n, err := server.Read(make([]byte, 1)); n != 0 || err != io.EOF {
						t.Fatalf("%d bytes, %v; want the end", n, err)
					}
				}
				got, tell := teller()
				if order == "When first" {
					x.When(tell)
				}
				server.Close()
				if !c.clientFirst {
					if _, err := client.Read(make([]byte, 1)); err != io.EOF {
						t.Fatal(err)
					}
					client.Close()
				}
				if order != "When first" {
					waitEnded(t, x)
					x.When(tell)
				}
				// The client's end of file is a byte to the kernel if it came while the program had the connection, or with
				// the acknowledgement of the program's own end.
				answer := tells(t, got)
				if answer.traffic == nil || !answer.final {
					t.Fatalf("told %+v", answer)
				}
				extra := int(answer.traffic.In) - c.in
				if answer.traffic.Out != uint64(c.out) || extra < 0 || extra > 1 || c.in == 0 && extra != 0 || c.in > 0 && c.clientFirst && extra != 1 {
					t.Errorf("told %+v; %d went in, %d out", answer.traffic, c.in, c.out)
				}
			})
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.live) != 0 || e.untold != 0 {
		t.Errorf("%d connections are remembered, %d untold", len(e.live), e.untold)
	}
}

func exchange(t *testing.T, client, server io.ReadWriter, in, out int) {
	t.Helper()
	done := make(chan error, 2)
	go func() { _, err := client.Write(make([]byte, in)); done <- err }()
	if _, err := io.CopyN(io.Discard, server, int64(in)); err != nil {
		t.Fatal(err)
	}
	go func() { _, err := server.Write(make([]byte, out)); done <- err }()
	if _, err := io.CopyN(io.Discard, client, int64(out)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
}

func waitEnded(t *testing.T, x *Ending) {
	t.Helper()
	ended := func() bool {
		x.ends.mu.Lock()
		defer x.ends.mu.Unlock()
		return x.ended
	}
	for deadline := time.Now().Add(10 * time.Second); !ended(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the kernel says nothing")
		}
	}
}

// A client that reads for long what the program has left it is told of twice: so far, and at the end.
func TestEndsOfASlowClient(t *testing.T) {
	if elsewhere(t) {
		return
	}
	e := watchEnds(t, nil)
	client, fd, local, peer := pair(t, "127.0.0.1:0")
	x, err := e.Watch(fd, local, peer)
	if err != nil {
		t.Fatal(err)
	}
	unix.SetNonblock(fd, true)
	sent := 0
	for {
		n, err := unix.Write(fd, make([]byte, 1<<16))
		if err != nil {
			break
		}
		sent += n
	}
	unix.Close(fd)
	got, tell := teller()
	x.When(tell)
	first := tells(t, got)
	if first.final || first.traffic == nil || first.traffic.Out == 0 || first.traffic.Out >= uint64(sent) {
		t.Errorf("first told %+v %+v of %d", first, first.traffic, sent)
	}
	if n, err := io.Copy(io.Discard, client); err != nil || n != int64(sent) {
		t.Fatalf("%d of %d bytes arrive, %v", n, sent, err)
	}
	if last := tells(t, got); !last.final || last.traffic == nil || last.traffic.Out != uint64(sent) {
		t.Errorf("last told %+v %+v of %d", last, last.traffic, sent)
	}
}

// dropped is how many messages a socket has lost: SK_MEMINFO_DROPS, the last word of SO_MEMINFO (socket(7)).
func dropped(raw syscall.RawConn) (drops uint32) {
	_ = raw.Control(func(fd uintptr) {
		var words [9]uint32
		size := uint32(unsafe.Sizeof(words))
		_, _, _ = syscall.Syscall6(syscall.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_MEMINFO,
			uintptr(unsafe.Pointer(&words)), uintptr(unsafe.Pointer(&size)), 0)
		drops = words[8]
	})
	return drops
}

// When the kernel had more to tell than was read, no connection waits for ever, and those to come have their numbers.
func TestEndsThatAreMissed(t *testing.T) {
	if elsewhere(t) {
		return
	}
	var missed atomic.Int32
	e := watchEnds(t, func() { missed.Add(1) })
	raw, err := e.file.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	_ = raw.Control(func(fd uintptr) { unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 1) })

	const connections = 40
	got := make(chan told, connections)
	tell := func(t *Traffic, final bool) { got <- told{t, final} }
	var all []*Ending
	var ends []func()
	for range connections {
		client, fd, local, peer := pair(t, "127.0.0.1:0")
		x, err := e.Watch(fd, local, peer)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, x)
		ends = append(ends, func() { client.Close(); unix.Close(fd) })
	}
	e.mu.Lock() // the one who listens gets stuck
	for _, end := range ends {
		end()
	}
	for dropped(raw) == 0 { // sockets that are nobody's, until the kernel, which ends them in its own time, has lost one
		client, fd, _, _ := pair(t, "127.0.0.1:0")
		client.Close()
		unix.Close(fd)
	}
	e.mu.Unlock()
	for _, x := range all {
		x.When(tell)
	}
	unknown := 0
	for range all {
		if x := tells(t, got); !x.final {
			t.Error("a connection that is over is told of as if it were not")
		} else if x.traffic == nil {
			unknown++
		}
	}
	t.Logf("%d of %d ends were missed, in %d times", unknown, connections, missed.Load())
	if missed.Load() == 0 {
		t.Error("nothing was missed")
	}

	_ = raw.Control(func(fd uintptr) { // others' connections end, too
		unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, endsBuffer)
		unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, endsBuffer)
	})
	client, fd, local, peer := pair(t, "127.0.0.1:0")
	x, err := e.Watch(fd, local, peer)
	if err != nil {
		t.Fatal(err)
	}
	exchange(t, client, os.NewFile(uintptr(fd), "server"), 3, 4)
	client.Close()
	again, tellAgain := teller()
	x.When(tellAgain)
	if last := tells(t, again); last.traffic == nil || last.traffic.Out != 4 {
		t.Errorf("afterwards told %+v %+v", last, last.traffic)
	}
}

func TestEndsAreBounded(t *testing.T) {
	e := &Ends{live: map[uint64]*Ending{}}
	for i := range endsLimit {
		e.live[uint64(i)<<32] = &Ending{}
	}
	_, fd, local, peer := pair(t, "127.0.0.1:0")
	defer unix.Close(fd)
	if _, err := e.Watch(fd, local, peer); err == nil {
		t.Error("one more is watched")
	}
}

// Close tells what there is to tell, and nothing hangs on it.
func TestEndsClose(t *testing.T) {
	if elsewhere(t) {
		return
	}
	e := watchEnds(t, nil)
	_, fd, local, peer := pair(t, "127.0.0.1:0")
	defer unix.Close(fd) // as another process might still hold it
	x, err := e.Watch(fd, local, peer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unix.Write(fd, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	_, fd2, local2, peer2 := pair(t, "127.0.0.1:0")
	defer unix.Close(fd2)
	late, err := e.Watch(fd2, local2, peer2)
	if err != nil {
		t.Fatal(err)
	}
	got, tell := teller()
	x.When(tell)
	e.Close()
	last := tells(t, got)
	for !last.final {
		last = tells(t, got)
	}
	if last.traffic == nil || last.traffic.Out != 5 {
		t.Errorf("told %+v", last.traffic)
	}
	late.When(tell)
	if x := tells(t, got); x != (told{nil, true}) {
		t.Errorf("after Close told %+v", x)
	}
	if _, err := e.Watch(fd, local, peer); err == nil {
		t.Error("a closed one watches")
	}
}

// Forget leaves nothing behind.
func TestEndsForget(t *testing.T) {
	e := watchEnds(t, nil)
	_, fd, local, peer := pair(t, "127.0.0.1:0")
	x, err := e.Watch(fd, local, peer)
	if err != nil {
		t.Fatal(err)
	}
	x.Forget()
	unix.Close(fd)
	if len(e.live) != 0 {
		t.Error("a forgotten connection is remembered")
	}
}

func TestLiveTraffic(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		client, fd, local, peer := pair(t, address)
		cookie, err := Cookie(fd)
		if err != nil {
			t.Fatal(err)
		}
		server := os.NewFile(uintptr(fd), "server")
		exchange(t, client, server, 5, 7)
		got, err := LiveTraffic(local, peer, cookie)
		if err != nil || got != (Traffic{5, 7}) {
			t.Errorf("%s: %+v, %v", address, got, err)
		}
		if _, err := LiveTraffic(local, peer, cookie+1); err == nil {
			t.Errorf("%s: another socket's cookie is taken for this one's", address)
		}
		client.Close()
		server.Close()
	}
	four, six := netip.MustParseAddrPort("127.0.0.1:1"), netip.MustParseAddrPort("[::1]:1")
	for _, c := range [][2]netip.AddrPort{{four, six}, {}, {four, netip.AddrPort{}}, {four, four}, {six, six}} {
		if got, err := LiveTraffic(c[0], c[1], 1); err == nil {
			t.Errorf("%v: %+v", c, got)
		}
	}
}

// FuzzParseDiag: whatever it is given, it says where it goes on, and reads nothing outside.
func FuzzParseDiag(f *testing.F) {
	request := appendDiagRequest(nil, netip.MustParseAddrPort("127.0.0.1:1"), netip.MustParseAddrPort("127.0.0.1:2"), 3)
	f.Add([]byte(nil))
	f.Add(request)
	f.Add(message(9, Traffic{1, 2}))
	f.Add(append(message(9, Traffic{1, 2}), message(10, Traffic{3, 4})...))
	f.Add(bytes.Repeat([]byte{16, 0, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 30))
	f.Fuzz(func(t *testing.T, b []byte) {
		for len(b) > 0 {
			before := len(b)
			_, _, rest, _ := parseDiag(b)
			if len(rest) >= before {
				t.Fatal("it does not come to an end")
			}
			b = rest
		}
	})
}

func TestParseDiag(t *testing.T) {
	whole := message(0x1122334455667788, Traffic{11, 22})
	cookie, got, rest, ok := parseDiag(append(bytes.Clone(whole), 1, 2, 3))
	if !ok || cookie != 0x1122334455667788 || got != (Traffic{11, 22}) || !bytes.Equal(rest, []byte{1, 2, 3}) {
		t.Errorf("%x %+v %v %v", cookie, got, rest, ok)
	}
	for n := range len(whole) {
		if _, _, _, ok := parseDiag(whole[:n]); ok {
			t.Errorf("%d of %d bytes are enough", n, len(whole))
		}
	}
}

// message is what the kernel sends, with as much of struct tcp_info as Linux 4.9 had.
func message(cookie uint64, tr Traffic) []byte {
	native := binary.NativeEndian
	b := make([]byte, diagMessage, 512)
	native.PutUint16(b[4:], unix.SOCK_DIAG_BY_FAMILY)
	native.PutUint64(b[unix.SizeofNlMsghdr+diagCookie:], cookie)
	b = append(b, 5, 0, 8, 0, 7, 0, 0, 0) // INET_DIAG_SHUTDOWN, padded
	info := make([]byte, dataSegsIn+8)
	native.PutUint64(info[bytesAcked:], tr.Out)
	native.PutUint64(info[bytesReceived:], tr.In)
	native.PutUint32(info[dataSegsIn:], 1)
	b = native.AppendUint16(b, uint16(unix.SizeofNlAttr+len(info)))
	b = native.AppendUint16(b, diagInfo)
	b = append(b, info...)
	native.PutUint32(b, uint32(len(b)))
	return b
}
