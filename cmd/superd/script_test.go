package main

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"superd/superd/selinux"
)

// deadline bounds everything that a story waits for. It is only ever reached by a story that fails.
const deadline = 15 * time.Second

// commands are the words of a story beside testscript's own.
var commands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	// the stage (script_test.go)
	"ports":    plain(ports),    // ports NAME…: a free port for each $NAME, then every $NAME in every .hcl file is replaced
	"status":   plain(status),   // status N PROGRAM ARG…: as exec, and the exit status must be N
	"waitfile": plain(waitfile), // waitfile FILE REGEXP: until a file that others write matches

	// the daemon (daemon_test.go)
	"serve":    plain(serve), // serve [-under PROGRAM] [ARG…]: superd run -c superd.hcl ARG…, until it is READY
	"waitlog":  plain(waitlog),
	"countlog": plain(countlog), // countlog N REGEXP: until so many lines of the whole log match, and no more do
	"hup":      plain(hup),
	"reload":   reload, // [!] reload: HUP, until RELOAD (with !: until RELOAD-FAILED)
	"term":     plain(term),
	"waitexit": plain(waitexit),   // waitexit N: superd ends by itself, with exit status N
	"signal":   plain(sendSignal), // signal NAME PID|superd
	"children": plain(children),   // children N: until superd has N children
	"census":   plain(census),     // census: notes superd's descriptors and children; census same: until they are no more than noted

	// the clients (client_test.go)
	"dial":       plain(dial),       // dial NAME tcp|udp ADDR:PORT [from ADDR[:PORT]]
	"refused":    plain(refused),    // refused ADDR:PORT: until nobody listens there
	"resets":     plain(resets),     // resets ADDR:PORT: a client is reset at once
	"send":       plain(send),       // send NAME TEXT, with Go's escapes
	"expect":     plain(expect),     // expect NAME TEXT: exactly that comes next (udp: as one datagram)
	"expectline": plain(expectline), // expectline NAME REGEXP: a line or datagram; its (?P<NAME>…) become $NAME
	"readall":    plain(readall),    // readall NAME FILE: all that comes until the end (udp: one datagram)
	"expecteof":  plain(expecteof),
	"silent":     plain(silent), // silent NAME…: nothing comes for a moment
	"halfclose":  plain(halfclose),
	"closeconn":  plain(closeconn), // also what occupy and crowd hold
	"occupy":     plain(occupy),    // occupy NAME tcp|udp ADDR:PORT: somebody else has that port
	"crowd":      plain(crowd),     // crowd NAME N ADDR:PORT: N connections that say nothing
	"visit":      plain(visit),     // visit N tcp|udp ADDR:PORT [TEXT]: N clients in a row, each sends TEXT and gets it back, or waits for the end
}

// story is what one script owns.
type story struct {
	dir    string
	daemon *daemon
	conns  map[string]net.Conn
	held   map[string][]io.Closer // what occupy and crowd hold
	noted  *population
}

type storyKey struct{}

func of(ts *testscript.TestScript) *story { return ts.Value(storyKey{}).(*story) }

// plain is a command that cannot be negated.
func plain(f func(ts *testscript.TestScript, args []string)) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg {
			ts.Fatalf("this command takes no !")
		}
		f(ts, args)
	}
}

// stories counts, so that each gets loopback addresses of its own and none disturbs another that runs beside it.
var stories atomic.Int32

func setup(env *testscript.Env) error {
	s := &story{dir: env.WorkDir, conns: map[string]net.Conn{}, held: map[string][]io.Closer{}}
	env.Values[storyKey{}] = s
	env.Defer(func() { s.end(env.T()) })

	superd, err := exec.LookPath("superd")
	if err != nil {
		return err
	}
	repo, err := filepath.Abs("../..")
	if err != nil {
		return err
	}
	// A control socket of its own for each story, on a path that is short enough for one.
	run, err := os.MkdirTemp("", "superd")
	if err != nil {
		return err
	}
	env.Defer(func() { _ = os.RemoveAll(run) })
	env.Setenv("RUNTIME_DIRECTORY", run)
	env.Setenv("BIN", filepath.Dir(superd))
	env.Setenv("REPO", repo)
	env.Setenv("STATE_DIRECTORY", filepath.Join(env.WorkDir, ".state")) // not the machine's own
	own := fmt.Sprintf("127.%d.%d.", 1+os.Getpid()%250, stories.Add(1))
	env.Setenv("ADDR", own+"1")
	env.Setenv("ADDR2", own+"2")
	env.Setenv("ADDR3", own+"3")
	env.Setenv("SUBNET", own+"0")
	env.Setenv("SUBNET_DOT", own)
	if os.Geteuid() == 0 {
		env.Setenv("USERLINE", `user = "root"`) // what root must say of every service with a server, and nobody else needs to
	} else {
		env.Setenv("USERLINE", "")
	}
	env.Setenv("OFFSET", strconv.Itoa(120+os.Getpid()%70)) // of the shipped configuration's ports, in hundreds
	now := time.Now()
	env.Setenv("OPEN_NOW", window(now.Add(-time.Hour), now.Add(time.Hour)))
	env.Setenv("CLOSED_NOW", window(now.Add(2*time.Hour), now.Add(3*time.Hour)))
	return nil
}

func window(from, to time.Time) string {
	return from.Format("15:04") + "-" + to.Format("15:04")
}

// end leaves nothing behind, and shows the daemon's log if the story failed.
func (s *story) end(t testscript.T) {
	for _, c := range s.conns {
		_ = c.Close()
	}
	for name := range s.held {
		s.letGo(name)
	}
	if s.daemon == nil {
		return
	}
	s.daemon.destroy()
	if f, ok := t.(interface{ Failed() bool }); ok && f.Failed() {
		t.Log("superd's log:\n" + s.daemon.log.String())
	}
}

func (s *story) letGo(name string) {
	for _, c := range s.held[name] {
		_ = c.Close()
	}
	delete(s.held, name)
}

func condition(word string) (bool, error) {
	switch word {
	case "root":
		return os.Geteuid() == 0, nil
	case "ipv6":
		l, err := net.Listen("tcp6", "[::1]:0")
		if err != nil {
			return false, nil
		}
		return true, l.Close()
	case "setpriv":
		_, err := exec.LookPath("setpriv")
		return err == nil, nil
	case "selinux":
		return selinux.Ready() == nil, nil
	case "devlog":
		info, err := os.Stat("/dev/log")
		return err == nil && info.Mode()&os.ModeSocket != 0, nil
	}
	return false, fmt.Errorf("unknown condition %q", word)
}

// nextPort goes round below the ports that the kernel gives to clients, so that none of those is ever in the way.
// Test binaries that run at the same time begin at different places.
var nextPort atomic.Int32

const firstPort, portCount = 20000, 12000

func freePort() (int, error) {
	for range portCount {
		port := firstPort + (os.Getpid()*397+int(nextPort.Add(1)))%portCount
		if at := ":" + strconv.Itoa(port); canListen("tcp", at) && canListen("udp", at) {
			return port, nil
		}
	}
	return 0, fmt.Errorf("no free port")
}

// canListen tries. Nothing is forked meanwhile: between its fork and its exec, a child of another story would keep the port
// busy when it is given back here.
func canListen(network, at string) bool {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	c, err := listen(network, at)
	return err == nil && c.Close() == nil
}

func listen(network, at string) (io.Closer, error) {
	if addr, err := netip.ParseAddrPort(at); err == nil && addr.Addr().Is4() {
		network += "4" // else Go takes 0.0.0.0 for both families
	}
	if strings.HasPrefix(network, "udp") {
		return net.ListenPacket(network, at)
	}
	return net.Listen(network, at)
}

func ports(ts *testscript.TestScript, args []string) {
	for _, name := range args {
		port, err := freePort()
		ts.Check(err)
		ts.Setenv(name, strconv.Itoa(port))
	}
	dir := of(ts).dir
	ts.Check(filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".hcl" {
			return err
		}
		return substitute(ts, path)
	}))
}

var variable = regexp.MustCompile(`\$[A-Z][A-Z0-9_]*`)

// substitute replaces variables. One that is not set is a slip of the pen.
func substitute(ts *testscript.TestScript, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	known := variable.ReplaceAllStringFunc(string(text), func(name string) string {
		value := ts.Getenv(name[1:])
		if value == "" && name != "$USERLINE" {
			ts.Fatalf("%s: %s is not set", file, name)
		}
		return value
	})
	return os.WriteFile(file, []byte(known), 0o644)
}

func status(ts *testscript.TestScript, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: status N PROGRAM ARG…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := err.(*exec.ExitError); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

func waitfile(ts *testscript.TestScript, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: waitfile FILE REGEXP")
	}
	re := compile(ts, args[1])
	var text []byte
	ok := poll(func() bool {
		text, _ = os.ReadFile(ts.MkAbs(args[0]))
		return re.Match(text)
	})
	if !ok {
		ts.Fatalf("%s does not match %q:\n%s", args[0], re, text)
	}
	named(ts, re, toStrings(re.FindSubmatch(text)))
}

func toStrings(match [][]byte) []string {
	texts := make([]string, len(match))
	for i, m := range match {
		texts[i] = string(m)
	}
	return texts
}

// named makes the named groups of a match variables of the story.
func named(ts *testscript.TestScript, re *regexp.Regexp, match []string) {
	for i, name := range re.SubexpNames() {
		if name != "" {
			ts.Setenv(name, match[i])
		}
	}
}

func compile(ts *testscript.TestScript, text string) *regexp.Regexp {
	re, err := regexp.Compile(text)
	ts.Check(err)
	return re
}

func unquote(ts *testscript.TestScript, text string) string {
	s, err := strconv.Unquote(`"` + strings.ReplaceAll(text, `"`, `\"`) + `"`)
	if err != nil {
		ts.Fatalf("%q: %v", text, err)
	}
	return s
}

// poll waits for what no event announces.
func poll(what func() bool) bool {
	for end := time.Now().Add(deadline); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if what() {
			return true
		}
	}
	return what()
}

var signals = map[string]syscall.Signal{
	"HUP": syscall.SIGHUP, "INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL, "USR1": syscall.SIGUSR1, "SEGV": syscall.SIGSEGV, "QUIT": syscall.SIGQUIT,
	"ABRT": syscall.SIGABRT,
}
