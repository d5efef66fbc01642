package e2e

import (
	"bufio"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// room is a network and a /run of their own, so that a rpcbind can be started there beside that of the machine.
type room struct {
	t   testing.TB
	pid string
}

func newRoom(t testing.TB) *room {
	t.Helper()
	holder := exec.Command(need(t, "unshare"), "-n", "-m", "sh", "-c",
		"ip link set lo up && mount -t tmpfs tmpfs /run && mkdir /run/rpcbind && chown _rpc /run/rpcbind && echo ready && exec sleep 600")
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { holder.Process.Kill(); holder.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		lack(t, "this machine gives no network and mount namespace (%v)", err)
	}
	return &room{t, strconv.Itoa(holder.Process.Pid)}
}

// argv runs a command in the room.
func (r *room) argv(args ...string) []string {
	return append([]string{need(r.t, "nsenter"), "-t", r.pid, "-n", "-m", "--"}, args...)
}

func (r *room) run(args ...string) string {
	r.t.Helper()
	argv := r.argv(args...)
	return client(r.t, argv[0], argv[1:]...)
}

// rpcbind starts one, and returns what ends it.
func (r *room) rpcbind() (stop func()) {
	r.t.Helper()
	argv := r.argv(need(r.t, "rpcbind"), "-f")
	cmd := exec.Command(argv[0], argv[1:]...)
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	stop = func() { cmd.Process.Kill(); cmd.Wait() }
	r.t.Cleanup(stop)
	return stop
}

// programs is what rpcinfo lists of the two programs under test: "100002 3 udp6".
func (r *room) programs() string {
	argv := r.argv(need(r.t, "rpcinfo"))
	out, err := try(argv[0], argv[1:]...)
	if err != nil {
		return err.Error()
	}
	var all []string
	for _, line := range strings.Split(out, "\n") {
		if f := strings.Fields(line); len(f) > 3 && (f[0] == "100001" || f[0] == "100002") {
			all = append(all, strings.Join(f[:3], " ")+" "+f[len(f)-1])
		}
	}
	return strings.Join(all, "\n")
}

func (r *room) eventually(what string, ok func(programs string) bool) {
	r.t.Helper()
	var now string
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if now = r.programs(); ok(now) {
			return
		}
	}
	r.t.Fatalf("%s; rpcbind lists\n%s", what, now)
}

// TestRPC registers real RPC servers with a real rpcbind: one that comes late, that is restarted, and that has what a
// killed superd has left.
func TestRPC(t *testing.T) {
	needRoot(t)
	rusersd, rstatd := need(t, "rpc.rusersd"), need(t, "rpc.rstatd")
	for _, client := range []string{"rpcbind", "rpcinfo", "rup"} {
		need(t, client)
	}
	r := newRoom(t)
	s := newSite(t)
	users := `
service "rusersd" {
  type        = "RPC"
  socket_type = "dgram"
  wait        = true
  user        = "nobody"
  server      = "` + rusersd + `"
  rpc_version = "2-3"
}`
	stats := `
service "stats" {
  type        = ["RPC", "UNLISTED"]
  socket_type = "dgram"
  wait        = true
  flags       = ["IPv4"]
  port        = 7901
  user        = "nobody"
  server      = "` + rstatd + `"
  rpc_version = "3-4"
  rpc_number  = 100001
}`
	s.config(users + stats)
	launch := func() *daemon {
		cmd := s.command()
		argv := r.argv(cmd.Args...)
		cmd.Path, cmd.Args = argv[0], argv
		return s.launch(cmd)
	}
	d := launch()
	d.waitLog(`REGISTER-FAILED error=".*rpcbind.sock: connect: no such file.* retry=1.000`)
	stop := r.rpcbind()
	d.waitLog(`REGISTERED service=rusersd endpoint="100002 versions 2-3 udp 0.0.0.0:\d+"`)
	d.waitLog(`REGISTERED service=rusersd endpoint="100002 versions 2-3 udp6 \[::\]:\d+"`)
	d.waitLog(`REGISTERED service=stats endpoint="100001 versions 3-4 udp 0.0.0.0:7901"`)
	both := func(now string) bool {
		return regexp.MustCompile(`(?m)^100002 2 udp superuser$`).MatchString(now) && strings.Contains(now, "100002 3 udp6") &&
			strings.Contains(now, "100001 3 udp ") && strings.Contains(now, "100001 4 udp ") && !strings.Contains(now, "100001 4 udp6") &&
			!strings.Contains(now, "100002 1 ")
	}
	r.eventually("all is registered", both)

	// The programs answer their clients.
	if out := r.run("rpcinfo", "-u", "127.0.0.1", "100002"); !strings.Contains(out, "version 3 ready and waiting") {
		t.Errorf("rusersd answers %s", out)
	}
	if out := r.run("rup", "127.0.0.1"); !strings.Contains(out, "load ") {
		t.Errorf("rstatd answers %s", out)
	}
	d.waitLog(`START service=rusersd `)
	d.waitLog(`START service=stats `)

	// A rpcbind that is restarted has forgotten everything, and a reload tells it again.
	stop()
	r.rpcbind()
	r.eventually("the new rpcbind knows nothing", func(now string) bool { return now == "" })
	d.reload()
	r.eventually("the new rpcbind is told", both)

	// A service that is taken out is withdrawn, and no other.
	s.config(users)
	d.reload()
	d.waitLog(`WITHDRAWN service=stats `)
	r.eventually("stats is withdrawn", func(now string) bool {
		return !strings.Contains(now, "100001") && strings.Contains(now, "100002 3 udp6")
	})

	// What a killed daemon has left is replaced by the next, on another port.
	before := r.run("rpcinfo", "-p")
	d.kill()
	if r.programs() == "" {
		t.Fatal("a killed daemon has withdrawn its program")
	}
	d = launch()
	d.waitLog(`REGISTERED service=rusersd endpoint="100002 versions 2-3 udp 0.0.0.0:\d+"`)
	if after := r.run("rpcinfo", "-p"); after == before {
		t.Errorf("rpcbind still has the old port:\n%s", after)
	}

	// The end withdraws all.
	d.stop()
	if now := r.programs(); now != "" {
		t.Errorf("after the end rpcbind lists\n%s", now)
	}
}
