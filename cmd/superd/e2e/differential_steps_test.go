package e2e

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A client that hears nothing for silence has heard that; one that waits for an end waits for endless.
const (
	silence = 700 * time.Millisecond
	endless = 3 * time.Second
)

// step does one line of a script:
//
//	start                        the server, on xinetd.conf
//	hup FILE, usr2 FILE          FILE takes xinetd.conf's place, and HUP or USR2 is sent
//	dial NAME PORT [FROM [TO]]   TCP, from 127.0.0.1 to 127.0.0.1 unless told; what becomes of it
//	udp NAME PORT [FROM [TO]]
//	send NAME TEXT               with Go's escapes
//	read NAME                    all that comes until the end, and what the end is
//	readline NAME
//	recv NAME                    a datagram
//	halfclose NAME, close NAME
//	get NAME PORT [FROM [TO]]    dial and read
//	burst N PORT                 N connections in a row, each read to its end: how many were served
//	log N                        what the service log says anew, of at least N lines, sorted: several connections end as they like
//	daemon TEXT                  until the daemon's own log has TEXT: for what is written differently, TEXT|TEXT
//	sleep DURATION               for what the passage of time alone changes
//	put FILE NAME                FILE of the scenario becomes NAME
//	show NAME                    a file's text
//	servers N                    until the server has N children
//	signal NAME                  to the server
//	count NAME                   how many bytes come until the end
//	size FILE FROM TO            whether a file's size is in that range
//	gone                         whether the server has ended
//	rpcbind, rpcbind stop        the stage's own rpcbind; PORT of dial, udp and get may then be PROGRAM/VERSION/NETID
//	map N                        what rpcbind has, when it has N lines besides its own
//	client COMMAND ARG…          what a real client says
//	syslog, syslog N             the stage's own /dev/log; what it got, of at least N messages, sorted
func (s *stage) step(line string) error {
	words := strings.Fields(line)
	verb, args := words[0], words[1:]
	rest := strings.TrimSpace(strings.TrimPrefix(line, verb))
	arg := func(i int, usual string) string {
		if i < len(args) {
			return args[i]
		}
		return usual
	}
	name := arg(0, "")
	switch verb {
	case "start":
		return s.begin("xinetd.conf")
	case "hup":
		return s.hup(name, syscall.SIGHUP)
	case "usr2":
		return s.hup(name, syscall.SIGUSR2)
	case "dial", "udp", "get":
		network := "tcp"
		if verb == "udp" {
			network = "udp"
		}
		port, err := s.port(arg(1, ""))
		if port == "" || err != nil {
			return err
		}
		what := s.dial(network, name, port, arg(2, "127.0.0.1"), arg(3, ""))
		if verb != "udp" {
			s.say("%s: %s", name, what)
		}
		if verb == "get" && what == connected {
			s.read(name)
		}
	case "rpcbind":
		return s.rpcbind(name)
	case "syslog":
		if name == "" {
			return s.openSyslog()
		}
		return s.showSyslog(name)
	case "map":
		return s.showMap(name)
	case "client":
		return s.client(rest)
	case "send":
		return s.send(name, strings.TrimSpace(strings.TrimPrefix(rest, name)))
	case "read":
		s.read(name)
	case "readline":
		s.readLine(name)
	case "recv":
		s.receive(name)
	case "halfclose":
		if c, ok := s.conns[name].(*net.TCPConn); ok {
			_ = c.CloseWrite() // the other side may have ended it
		}
	case "close":
		if c := s.conns[name]; c != nil {
			delete(s.conns, name)
			return c.Close()
		}
	case "burst":
		return s.burst(name, arg(1, ""))
	case "log":
		return s.log(name)
	case "daemon":
		return s.awaitDaemon(0, regexp.MustCompile(rest))
	case "sleep":
		d, err := time.ParseDuration(name)
		time.Sleep(d)
		return err
	case "put":
		text, err := os.ReadFile(s.path(name))
		if err != nil {
			return err
		}
		return os.WriteFile(s.target(arg(1, "")), text, 0o644)
	case "show":
		return s.show(name)
	case "servers":
		return s.servers(name)
	case "signal":
		return s.cmd.Process.Signal(map[string]syscall.Signal{"TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP, "INT": syscall.SIGINT, "USR1": syscall.SIGUSR1, "QUIT": syscall.SIGQUIT, "KILL": syscall.SIGKILL, "STOP": syscall.SIGSTOP, "CONT": syscall.SIGCONT}[name])
	case "count":
		c := s.conns[name]
		_ = c.SetReadDeadline(time.Now().Add(endless))
		n, err := io.Copy(io.Discard, c)
		if err == nil {
			err = io.EOF
		}
		s.say("%s: %d bytes, %s", name, n, trouble(err))
	case "size":
		info, err := os.Stat(s.path(name))
		if err != nil {
			return err
		}
		from, _ := strconv.ParseInt(arg(1, ""), 10, 64)
		to, _ := strconv.ParseInt(arg(2, ""), 10, 64)
		s.say("%s is in the range: %t", name, from <= info.Size() && info.Size() <= to)
	case "gone":
		select {
		case <-s.ended:
			s.say("the server has ended")
		case <-time.After(endless): // a race detector takes its time
			s.say("the server runs")
		}
	default:
		return errUsage
	}
	return nil
}

// target is where put puts a file: what is bound over the machine's is written in place.
func (s *stage) target(name string) string {
	if strings.HasPrefix(name, "/etc/hosts.") {
		return name
	}
	return s.path(name)
}

func (s *stage) hup(file string, how syscall.Signal) error {
	if err := s.force(file); err != nil {
		return err
	}
	before, _ := os.ReadFile(s.path("daemon.log"))
	if err := s.cmd.Process.Signal(how); err != nil {
		return err
	}
	return s.awaitDaemon(len(before), s.reloaded)
}

const connected = "connected"

// dial says what becomes of it. The socket is made on this thread, and so in its namespace.
func (s *stage) dial(network, name, port, from, to string) string {
	local, err := netip.ParseAddr(from)
	if err != nil {
		return err.Error()
	}
	if to == "" {
		to = "127.0.0.1"
		if local.Is6() {
			to = "::1"
		}
	}
	d := net.Dialer{Timeout: endless, FallbackDelay: -1}
	if network == "tcp" {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(local, 0))
	} else {
		d.LocalAddr = net.UDPAddrFromAddrPort(netip.AddrPortFrom(local, 0))
	}
	c, err := d.Dial(network, net.JoinHostPort(to, port))
	if err != nil {
		return trouble(err)
	}
	s.conns[name] = c
	return connected
}

// trouble names an error as a client would.
func trouble(err error) string {
	var late net.Error
	switch {
	case errors.Is(err, io.EOF):
		return "end"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "reset"
	case errors.As(err, &late) && late.Timeout():
		return "nothing"
	}
	return err.Error()
}

func (s *stage) send(name, text string) error {
	c := s.conns[name]
	if c == nil {
		s.say("%s: cannot send, it is not connected", name)
		return nil
	}
	bytes, err := strconv.Unquote(`"` + strings.ReplaceAll(text, `"`, `\"`) + `"`)
	if err != nil {
		return err
	}
	if _, err := c.Write([]byte(bytes)); err != nil {
		s.say("%s: sending: %s", name, trouble(err))
	}
	return nil
}

func (s *stage) read(name string) {
	c := s.conns[name]
	if c == nil {
		s.say("%s: not connected", name)
		return
	}
	began := time.Now()
	_ = c.SetReadDeadline(began.Add(endless))
	text, err := io.ReadAll(io.LimitReader(c, 1<<20))
	if err == nil {
		err = io.EOF
	}
	for line := range strings.Lines(string(text)) {
		s.say("%s> %s", name, visible(line))
	}
	when := ""
	if d := time.Since(began); d > endless/2 && trouble(err) != "nothing" {
		when = ", late"
	}
	s.say("%s: %s%s", name, trouble(err), when)
}

// visible shows control characters, but for the newline that ends a line.
func visible(line string) string {
	quoted := strconv.Quote(strings.TrimSuffix(line, "\n"))
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

func (s *stage) readLine(name string) {
	c := s.conns[name]
	if c == nil {
		s.say("%s: not connected", name)
		return
	}
	_ = c.SetReadDeadline(time.Now().Add(endless))
	var line []byte
	for b := make([]byte, 1); len(line) == 0 || line[len(line)-1] != '\n'; {
		if _, err := c.Read(b); err != nil {
			s.say("%s: %s", name, trouble(err))
			return
		}
		line = append(line, b[0])
	}
	s.say("%s> %s", name, visible(string(line)))
}

func (s *stage) receive(name string) {
	c := s.conns[name]
	if c == nil {
		s.say("%s: not connected", name)
		return
	}
	_ = c.SetReadDeadline(time.Now().Add(silence))
	b := make([]byte, 1<<16)
	n, err := c.Read(b)
	if err != nil {
		s.say("%s: %s", name, trouble(err))
		return
	}
	for line := range strings.Lines(string(b[:n])) {
		s.say("%s> %s", name, visible(line))
	}
}

func (s *stage) burst(count, port string) error {
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	got := map[string]int{}
	var kinds []string
	for i := range n {
		name := fmt.Sprint("burst", i)
		what := s.dial("tcp", name, port, "127.0.0.1", "")
		if what == connected {
			_ = s.conns[name].SetReadDeadline(time.Now().Add(endless))
			text, err := io.ReadAll(s.conns[name])
			_ = s.conns[name].Close()
			delete(s.conns, name)
			switch {
			case err != nil:
				what = trouble(err)
			case len(text) > 0:
				what = "served"
			default:
				what = "closed"
			}
		}
		if got[what] == 0 {
			kinds = append(kinds, what)
		}
		got[what]++
	}
	for _, k := range kinds {
		s.say("burst: %d %s", got[k], k)
	}
	return nil
}

var (
	logStamp = regexp.MustCompile(`^\d\d/\d+/\d+@\d\d:\d\d:\d\d: `)
	logPid   = regexp.MustCompile(`pid=[1-9]\d*`)
	logTime  = regexp.MustCompile(`duration=\d+`)
)

// log waits for lines of the service log, and then a moment for more.
func (s *stage) log(count string) error {
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	var lines []string
	read := func() bool {
		text, _ := os.ReadFile(s.path("log"))
		lines = strings.Split(strings.TrimRight(string(text), "\n"), "\n")
		if lines[0] == "" {
			lines = nil
		}
		return len(lines)-s.logAt >= n
	}
	for end := time.Now().Add(endless / 2); !read() && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
	time.Sleep(silence / 7)
	read()
	var fresh []string
	for _, l := range lines[min(s.logAt, len(lines)):] {
		if !logStamp.MatchString(l) {
			s.say("log without a stamp: %s", l)
			continue
		}
		l = logStamp.ReplaceAllString(l, "")
		l = logPid.ReplaceAllString(l, "pid=PID")
		l = logTime.ReplaceAllString(l, "duration=N")
		fresh = append(fresh, "log "+l)
	}
	slices.Sort(fresh)
	for _, l := range fresh {
		s.say("%s", l)
	}
	s.logAt = len(lines)
	return nil
}

func (s *stage) show(name string) error {
	var text []byte
	for end := time.Now().Add(endless); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if text, _ = os.ReadFile(s.path(name)); len(text) > 0 {
			break
		}
	}
	for line := range strings.Lines(string(text)) {
		s.say("%s> %s", name, visible(line))
	}
	if len(text) == 0 {
		s.say("%s: empty", name)
	}
	return nil
}

func (s *stage) servers(count string) error {
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	for end := time.Now().Add(endless); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if len(childrenOf(s.cmd.Process.Pid)) == n {
			return nil
		}
	}
	s.say("the server has %d children", len(childrenOf(s.cmd.Process.Pid)))
	return nil
}
