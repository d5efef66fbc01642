package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestLibraryClustercheck asks the shipped health check like a load balancer: of a real Galera node that is synced, of a database
// server that is no node, and of none at all.
func TestLibraryClustercheck(t *testing.T) {
	needRoot(t)
	mariadbd, install := need(t, "mariadbd"), need(t, "mariadb-install-db")
	provider := "/usr/lib/galera/libgalera_smm.so"
	if _, err := os.Stat(provider); err != nil {
		lack(t, "%v (packaging/install-test-programs.sh)", err)
	}
	s := newSite(t)
	uid, gid := accountOf(t, "mysql")
	s.mkdir("db", uid, gid)
	data := s.mkdir("db/data", uid, gid)
	s.write("my.cnf", `
[mysqld]
user = mysql
datadir = $DIR/db/data
socket = $DIR/db/socket
pid-file = $DIR/db/pid
skip-networking
innodb-buffer-pool-size = 16M
innodb-log-file-size = 8M
`)
	client(t, install, "--defaults-file="+s.path("my.cnf"), "--skip-test-db", "--auth-root-authentication-method=socket")
	db := &database{site: s, program: mariadbd}

	s.write("home/.my.cnf", "[client]\nsocket = $DIR/db/socket\n") // where the script's client looks
	s.ship("clustercheck.hcl", `"clustercheck"
  server `, `"nobody"
  server `, "cps          =", "env = [\"HOME=$DIR/home\"]\n  cps          =")
	if err := os.CopyFS(s.path("examples"), os.DirFS(filepath.Join(root, "conf.d/examples"))); err != nil {
		t.Fatal(err)
	}
	s.start()

	check := func(status int, text string) {
		t.Helper()
		web := http.Client{Timeout: patience}
		reply, err := web.Get("http://" + s.at(9200) + "/")
		if err != nil {
			t.Fatal(err)
		}
		defer reply.Body.Close()
		body, err := io.ReadAll(reply.Body)
		if err != nil || reply.StatusCode != status || !strings.Contains(string(body), text) {
			t.Errorf("the check answers %s %q (%v), not %d with %q", reply.Status, body, err, status, text)
		}
	}
	check(503, "does not answer")

	db.start("--wsrep-on=OFF")
	db.ask("CREATE USER nobody IDENTIFIED VIA unix_socket")
	check(503, "not a node")
	db.stop()

	db.start("--wsrep-on=ON", "--wsrep-provider="+provider, "--wsrep-new-cluster", "--wsrep-cluster-address=gcomm://",
		"--binlog-format=ROW", "--wsrep-node-address="+s.addr, "--wsrep-sst-method=rsync",
		"--wsrep-provider-options=gmcast.listen_addr=tcp://"+s.at(4567)+";ist.recv_addr="+s.at(4568)+";base_dir="+data+";gcache.size=8M")
	eventually(t, patience, "the node is synced", func() bool {
		return strings.Contains(db.ask("SHOW STATUS LIKE 'wsrep_local_state_comment'"), "Synced")
	})
	check(200, "synced")
	db.stop()
	check(503, "does not answer")
}

// database is a MariaDB of the test, without a network but for Galera's own.
type database struct {
	*site
	program string
	cmd     *exec.Cmd
}

func (d *database) start(args ...string) {
	d.t.Helper()
	log, err := os.Create(d.path("db.log"))
	if err != nil {
		d.t.Fatal(err)
	}
	defer log.Close()
	d.cmd = exec.CommandContext(d.t.Context(), d.program, append([]string{"--defaults-file=" + d.path("my.cnf")}, args...)...)
	d.cmd.Stdout, d.cmd.Stderr = log, log
	if err := d.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	ready := func() bool {
		text, _ := os.ReadFile(log.Name())
		return strings.Contains(string(text), "ready for connections")
	}
	for deadline := time.Now().Add(time.Minute); !ready(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			text, _ := os.ReadFile(log.Name())
			d.t.Fatalf("the database does not start:\n%s", text)
		}
	}
}

func (d *database) ask(query string) string {
	d.t.Helper()
	return client(d.t, "mariadb", "--no-defaults", "--socket="+d.path("db/socket"), "-e", query)
}

func (d *database) stop() {
	d.t.Helper()
	_ = d.cmd.Process.Signal(syscall.SIGTERM)
	if err := d.cmd.Wait(); err != nil {
		d.t.Fatal(fmt.Errorf("the database: %w", err))
	}
}
