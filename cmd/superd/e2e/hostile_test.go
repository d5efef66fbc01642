package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// What strangers answer to superd's own questions, and what they put before its doors: each ends in bounded time and memory,
// has its verdict in the log, and is nobody else's trouble.

// memoryMost is what superd may ever have had in memory when strangers do what they can, in MiB; at rest it has a quarter of it.
const memoryMost = 100

// modest fails the test if superd has ever had more memory than that.
func (d *daemon) modest(most int) {
	d.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.pid))
	if err != nil {
		d.t.Error(err)
		return
	}
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(text)
	if m == nil {
		d.t.Error("no VmHWM")
		return
	}
	if had, _ := strconv.Atoi(string(m[1])); had > most<<10 && os.Getenv("SUPERD_E2E_RACE") != "1" {
		d.t.Errorf("superd has had %d KiB in memory", had)
	}
}

// bystander is a service that has nothing to do with it, and answers at once.
func bystander(t *testing.T, s *site) {
	t.Helper()
	before := time.Now()
	expect(t, s.at(7007), "echo", "echo")
	if took := time.Since(before); took > 2*time.Second {
		t.Errorf("another service's client waits %v", took)
	}
}

// everybody dials n clients to port from an address and returns when each connection has ended, which must not take longer
// than limit. talk is what a client does first.
func everybody(t *testing.T, s *site, n int, port int, from string, limit time.Duration, talk func(net.Conn)) {
	t.Helper()
	d := net.Dialer{Timeout: patience, LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	var clients sync.WaitGroup
	for range n {
		c, err := d.Dial("tcp", s.at(port))
		if err != nil {
			t.Error(err)
			continue
		}
		clients.Go(func() {
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(limit))
			if talk != nil {
				talk(c)
			}
			if _, err := io.Copy(io.Discard, c); os.IsTimeout(err) {
				t.Errorf("a client still waits after %v", limit)
			}
		})
	}
	clients.Wait()
}

// TestHostileIdent: the ident servers of IDONLY's clients are theirs, and say what they like.
func TestHostileIdent(t *testing.T) {
	needRoot(t)
	s := newSite(t)
	s.config(usual + builtinEcho + `
service "only" {
  type        = "UNLISTED"
  port        = 7010
  socket_type = "stream"
  wait        = false
  user        = "nobody"
  server      = "/bin/echo"
  flags       = ["IDONLY"]
}`)
	d := s.start()
	zeros := make([]byte, 64<<10)
	for i, c := range []struct {
		name   string
		answer func(net.Conn)
		detail string
		n      int
	}{
		{"floods", func(c net.Conn) {
			for {
				if _, err := c.Write(zeros); err != nil {
					return
				}
			}
		}, "something else|too many questions", 200},
		{"floods with lines", func(c net.Conn) { c.Write([]byte(strings.Repeat("1 , 1 : USERID : UNIX : root\r\n", 10000))) }, "something else|too many questions", 50},
		{"names with control characters", func(c net.Conn) {
			question := make([]byte, 64)
			n, _ := c.Read(question)
			fmt.Fprintf(c, "%s : USERID : UNIX : a\x1b[31m\x00\x7f b\r\n", strings.TrimSpace(string(question[:n])))
		}, "", 1},
		{"goes away", func(net.Conn) {}, "EOF|reset|broken pipe", 50},
		{"says nothing", func(c net.Conn) { io.Copy(io.Discard, c) }, "timeout|too many questions|deadline", 200},
		{"says it byte by byte", func(c net.Conn) {
			for {
				if _, err := c.Write([]byte("1")); err != nil {
					return
				}
				time.Sleep(100 * time.Millisecond) // this is what it does to superd
			}
		}, "timeout|too many questions|deadline", 20},
	} {
		peer := strings.TrimSuffix(s.addr, s.addr[strings.LastIndexByte(s.addr, '.')+1:]) + strconv.Itoa(240+i)
		l, err := net.Listen("tcp", peer+":113")
		if err != nil {
			t.Fatal(err)
		}
		go serveAll(l, c.answer)
		mark := d.mark()
		everybody(t, s, c.n, 7010, peer, patience, nil)
		l.Close()
		if c.detail == "" {
			line := d.waitLogFrom(mark, `EXIT service=only .*from=`+regexp.QuoteMeta(peer))
			if user := d.matching(mark, regexp.MustCompile(`[\x00\x1b\x7f]`)); len(user) > 0 {
				t.Errorf("%s: %q", line, user)
			}
			continue
		}
		verdicts := regexp.MustCompile(`REFUSE service=only .*verdict=ident detail=".*(` + c.detail + `).*from=` + regexp.QuoteMeta(peer))
		eventually(t, patience, "an ident server that "+c.name+" has its clients refused", func() bool { return len(d.matching(mark, verdicts)) == c.n })
		bystander(t, s)
	}
	d.modest(memoryMost)
}

// serveAll answers each connection until the listener is closed.
func serveAll(l net.Listener, answer func(net.Conn)) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(2 * patience))
			answer(c)
		}()
	}
}

// TestHostileTarget: the target of a redirection takes no connection, and refuses none.
func TestHostileTarget(t *testing.T) {
	s := newSite(t)
	// A queue of one that is full: the kernel drops who knocks, as a host that is off does.
	full, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(full)
	at := &unix.SockaddrInet4{Port: 7020, Addr: [4]byte(net.ParseIP(s.addr).To4())}
	if err := unix.Bind(full, at); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(full, 0); err != nil {
		t.Fatal(err)
	}
	filler, err := net.Dial("tcp", s.at(7020))
	if err != nil {
		t.Fatal(err)
	}
	defer filler.Close()
	s.config(usual + builtinEcho + `
service "dead" {
  type            = "UNLISTED"
  port            = 7010
  socket_type     = "stream"
  wait            = false
  redirect        = ["$ADDR", 7020]
  connect_timeout = "1s"
  instances       = 100
}
service "dead-dgram" {
  type        = "UNLISTED"
  port        = 7010
  socket_type = "dgram"
  redirect    = ["$ADDR", 7021]
  max_idle    = "1s"
  instances   = 20
}`)
	d := s.start()
	before := entriesOf(t, d.pid)
	done := make(chan struct{})
	go func() {
		defer close(done)
		everybody(t, s, 150, 7010, "127.0.0.1", patience, func(c net.Conn) { fmt.Fprint(c, "is anybody there?") })
	}()
	bystander(t, s)
	<-done
	verdicts := regexp.MustCompile(`REFUSE service=dead .*verdict=target detail=".*timeout`)
	eventually(t, patience, "100 clients are told of the target", func() bool { return len(d.matching(0, verdicts)) == 100 })
	limited := regexp.MustCompile(`REFUSE service=dead .*verdict=instances`)
	eventually(t, patience, "50 clients are too many", func() bool { return len(d.matching(0, limited)) == 50 })

	// A flood of datagrams from many ports, to nobody.
	for range 300 {
		c, err := net.Dial("udp", s.at(7010))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(c, "knock")
		c.Close()
	}
	d.waitLog(`REFUSE service=dead-dgram .*verdict=(target|instances)`)
	bystander(t, s)
	eventually(t, patience, "nothing is left of them", func() bool { return entriesOf(t, d.pid) <= before })
	d.modest(memoryMost)
}

// entriesOf counts a process's descriptors.
func entriesOf(t *testing.T, pid int) int {
	t.Helper()
	all, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Error(err)
	}
	return len(all)
}

// TestHostileRpcbind: a rpcbind that takes the call and does not answer, or answers nonsense without end.
func TestHostileRpcbind(t *testing.T) {
	zeros := make([]byte, 64<<10)
	for _, c := range []struct {
		name   string
		answer func(net.Conn)
		failed string
	}{
		{"silent", func(c net.Conn) { io.Copy(io.Discard, c) }, "timeout"},
		{"floods", func(c net.Conn) {
			for {
				if _, err := c.Write(zeros); err != nil {
					return
				}
			}
		}, "rpcbind"},
		{"a long record", func(c net.Conn) { c.Write([]byte{0xff, 0xff, 0xff, 0xff, 0}); io.Copy(io.Discard, c) }, "rpcbind"},
		{"goes away", func(net.Conn) {}, "rpcbind"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t)
			s.mkdir("run", 0, 0)
			l, err := net.Listen("unix", s.path("run/rpcbind.sock"))
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go serveAll(l, c.answer)
			s.config(usual + builtinEcho + `
service "stats" {
  type        = ["RPC", "UNLISTED"]
  socket_type = "dgram"
  wait        = true
  flags       = ["IPv4"]
  user        = "nobody"
  server      = "/bin/true"
  rpc_version = "1-3"
  rpc_number  = 200001
}`)
			began := time.Now()
			d := s.launch(s.commandAfter(`mount --bind $DIR/run /run`))
			if took := time.Since(began); took > 4*time.Second {
				t.Errorf("superd is ready after %v", took)
			}
			bystander(t, s)
			began = time.Now()
			d.reload()
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("a reload waits %v", took)
			}
			d.waitLog(`REGISTER-FAILED error=".*` + c.failed)
			bystander(t, s)
			d.modest(memoryMost)
			began = time.Now()
			d.stop()
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("superd ends after %v", took)
			}
		})
	}
}

// TestHostileMux: what is no name of a service, from many at once.
func TestHostileMux(t *testing.T) {
	s := newSite(t)
	s.config(usual + builtinEcho + `
service "tcpmux" {
  type        = ["INTERNAL", "UNLISTED"]
  port        = 7010
  socket_type = "stream"
  instances   = 100
}
service "inside" {
  type        = "TCPMUXPLUS"
  socket_type = "stream"
  wait        = false
  ` + unprivileged() + `
  server      = "/bin/cat"
}`)
	d := s.start()
	for _, text := range []string{
		strings.Repeat("\x00", 4096), strings.Repeat("inside ", 1000) + "\r\n", "\r\n\r\n\r\n", "in\x00side\r\n", "%s%n%x\r\n", strings.Repeat("\n", 5000), "help\r\nhelp\r\n", "../inside\r\n", "\xff\xfe\r\n",
	} {
		everybody(t, s, 40, 7010, "127.0.0.1", patience, func(c net.Conn) { io.WriteString(c, text) })
		bystander(t, s)
	}
	if started := d.matching(0, regexp.MustCompile(`START service=inside`)); len(started) > 0 {
		t.Errorf("a service was reached: %s", started[0])
	}

	// Those who say nothing fill tcpmux, and nothing else; when they go there is room again.
	hangUp := hold(t, s.at(7010), 130)
	d.waitLog(`REFUSE service=tcpmux .*verdict=instances`)
	bystander(t, s)
	hangUp()
	eventually(t, patience, "there is room again", func() bool {
		answer, err := talk(s.at(7010), "inside\r\nhello")
		return err == nil && answer == "+Go\r\nhello"
	})
	d.modest(memoryMost)
}

// TestHostileTables: hosts.allow with commands that never end, and tables that are no tables.
func TestHostileTables(t *testing.T) {
	needRoot(t)
	s := newSite(t)
	s.write("etc/hosts.allow", "")
	s.config(`superd {
  hosts_access = "$DIR/etc"
}` + usual + builtinEcho + `
service "cat" {
  type        = "UNLISTED"
  port        = 7010
  socket_type = "stream"
  wait        = false
  user        = "nobody"
  server      = "/bin/cat"
}`)
	d := s.start()
	tables := func(allow, deny string) {
		t.Helper()
		s.write("etc/hosts.deny", deny)
		s.write("etc/hosts.allow", allow)
	}

	// Commands that do not end: so many run and no more, and who finds them all running is served without.
	tables("cat: ALL: spawn exec sleep 1000\n", "")
	hangUp := hold(t, s.at(7010), 100)
	d.waitLog(`WARNING service=cat .*commands of hosts.allow and hosts.deny run already`)
	if n := len(childrenOf(d.pid)); n > 64+100 {
		t.Errorf("superd has %d children", n)
	}
	bystander(t, s)
	tables("", "")
	expect(t, s.at(7010), "served", "served")
	hangUp()

	// A program in the place of the service's which is not there.
	tables("cat: ALL: twist /nonexistent/program %a\n", "")
	everybody(t, s, 5, 7010, "127.0.0.1", patience, nil)
	d.waitLog(`EXIT service=cat .*status=127`)

	// Tables that are none: nobody waits, and a rule that cannot be read lets nobody in.
	for name, text := range map[string]string{
		"a line that goes on for ever": "cat: ALL \\\n" + strings.Repeat(" \\\n", 50000),
		"one long line":                "cat: " + strings.Repeat("ALL, ", 200000) + "\n",
		"binary":                       string(bytes.Repeat([]byte{0, 0xff, ':', 7}, 20000)) + "\n",
		"deep exceptions":              "cat: " + strings.Repeat("ALL EXCEPT ", 20000) + "ALL\n",
		"many rules":                   strings.Repeat("nobody: 192.0.2.1: spawn /bin/true: deny\n", 50000),
		"too large":                    strings.Repeat("# comment\n", 600000),
		"no options":                   "cat: ALL: : : :\n",
		"an unknown option":            "cat: ALL: lat_option_\x1b[31m\n",
		"a file that is a loop":        "cat: " + s.path("etc/hosts.allow") + "\n",
	} {
		tables(text, "")
		mark := d.mark()
		everybody(t, s, 3, 7010, "127.0.0.1", patience, func(c net.Conn) { c.(*net.TCPConn).CloseWrite() })
		verdicts := regexp.MustCompile(`(REFUSE|EXIT) service=cat `)
		eventually(t, patience, name+": every client has its verdict", func() bool { return len(d.matching(mark, verdicts)) >= 3 })
		if escapes := d.matching(mark, regexp.MustCompile(`[\x00\x1b]`)); len(escapes) > 0 {
			t.Errorf("%s: the log has %q", name, escapes[0])
		}
		bystander(t, s)
	}
	d.modest(3 * memoryMost) // tables are root's, and megabytes of rules are a lot
}

// hold makes n connections on which nothing is said, until hangUp.
func hold(t *testing.T, to string, n int) (hangUp func()) {
	t.Helper()
	var all []net.Conn
	for range n {
		c, err := dial(to)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	return func() {
		for _, c := range all {
			c.Close()
		}
	}
}
