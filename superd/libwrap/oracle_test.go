package libwrap

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

// The oracle is the real tcpdmatch. It runs in a mount namespace of its own where testdata/hosts is /etc/hosts.

// scene is a folder of tables, and what is asked about them.
type scene struct {
	name    string
	dir     string
	queries []string // "DAEMON[@SERVER] [USER@]CLIENT"
}

// newScene makes the folder. A file whose last line ends in ! loses that and its newline.
func newScene(t *testing.T, name string, a *txtar.Archive) scene {
	t.Helper()
	s := scene{name: name, dir: t.TempDir()}
	for _, f := range a.Files {
		text := bytes.ReplaceAll(f.Data, []byte("$DIR"), []byte(s.dir))
		if cut, ok := bytes.CutSuffix(text, []byte("!\n")); ok {
			text = cut
		}
		if f.Name == "queries" {
			s.queries = strings.Split(strings.TrimSpace(string(text)), "\n")
			continue
		}
		if err := os.WriteFile(filepath.Join(s.dir, f.Name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func TestOracle(t *testing.T) {
	match := oracle(t)
	paths, err := filepath.Glob("testdata/oracle/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	var scenes []scene
	for _, path := range paths {
		a, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		scenes = append(scenes, newScene(t, filepath.Base(path), a))
	}
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 150 {
		scenes = append(scenes, newScene(t, fmt.Sprintf("random %d", i), randomScene(random)))
	}
	consult(t, match, scenes)
}

// consult asks both about every query and compares.
func consult(t *testing.T, match string, scenes []scene) {
	t.Helper()
	var script strings.Builder
	hosts, err := filepath.Abs("testdata/hosts")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&script, "mount --bind '%s' /etc/hosts || exit 9\n", hosts)
	for _, s := range scenes {
		fmt.Fprintf(&script, "cd '%s'\n", s.dir)
		for _, q := range s.queries {
			daemon, client, _ := strings.Cut(q, " ")
			fmt.Fprintf(&script, "echo \"=$('%s' -d '%s' '%s' 2>&1)\"\n", match, daemon, client)
		}
	}
	cmd := exec.Command("unshare", "-m", "--propagation", "private", "sh")
	cmd.Stdin = strings.NewReader(script.String())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	answers := strings.Split("\n"+strings.TrimSpace(string(out)), "\n=")[1:]
	asked := 0
	for _, s := range scenes {
		tables := NewFiles(s.dir, nil).load(time.Now()).tables
		for _, q := range s.queries {
			if asked == len(answers) {
				t.Fatalf("only %d answers", asked)
			}
			theirs := accessOf(answers[asked])
			asked++
			if ours := decide(t, tables, q); ours != theirs {
				t.Errorf("%s: %s: %s, tcpdmatch says %s\n%s", s.name, q, ours, theirs, texts(s.dir))
			}
		}
	}
	t.Logf("%d queries", asked)
}

func texts(dir string) string {
	var b strings.Builder
	for _, name := range []string{"hosts.allow", "hosts.deny"} {
		text, _ := os.ReadFile(filepath.Join(dir, name))
		fmt.Fprintf(&b, "%s:\n%s", name, text)
	}
	return b.String()
}

func accessOf(answer string) string {
	_, verdict, _ := strings.Cut(answer, "access:   ")
	verdict, _, _ = strings.Cut(verdict, "\n")
	if verdict == "" {
		return "nothing: " + answer
	}
	return verdict
}

var hostsFile = map[string]string{
	"localhost": "127.0.0.1", "alpha": "10.0.0.1", "beta.example.org": "10.0.0.2", "gamma.sub.example.org": "10.0.0.3",
	"unreal.example.net": "10.0.0.4", "delta.example.com": "10.0.0.5", "six.example.org": "fd00::5",
}

// decide says what we say, with what tcpdmatch knows.
func decide(t *testing.T, tables *Tables, query string) string {
	t.Helper()
	daemon, client, _ := strings.Cut(query, " ")
	daemon, server, _ := strings.Cut(daemon, "@")
	r := &Request{Daemon: daemon, User: Unknown, Server: host(server, true)}
	if user, host, ok := strings.Cut(client, "@"); ok {
		r.User, client = user, host
	}
	r.Client = host(client, false)
	if tables == nil {
		return "granted"
	}
	r.Ran = map[string]bool{"/bin/true": true}
	o, need := tables.Decide(r)
	if need != (Need{}) {
		t.Errorf("%s: needs %+v, which it has", query, need)
	}
	return [...]string{Grant: "granted", Deny: "denied", Twist: "delegated"}[o.Verdict]
}

// host is as in tcpdmatch: an address of a client has no name, that of a server its own.
func host(text string, server bool) Host {
	if a, err := netip.ParseAddr(text); err == nil {
		h := Host{Addr: netip.AddrPortFrom(a, 0), Name: Unknown}
		for name, addr := range hostsFile {
			if server && addr == text {
				h.Name = name
			}
		}
		return h
	}
	if addr, ok := hostsFile[text]; ok {
		return Host{Addr: netip.AddrPortFrom(netip.MustParseAddr(addr), 0), Name: text}
	}
	if text == "" {
		text = Unknown
	}
	return Host{Name: text}
}

// randomScene is rules of pieces that mean something.
func randomScene(r *rand.Rand) *txtar.Archive {
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	daemon := func() string {
		return pick("sshd", "in.ftpd", "ALL", "s*", "*.ftpd", "in.", ".ftpd", "KNOWN", "sshd@127.0.0.1", "ALL@LOCAL", "UNKNOWN", "EXCEPT")
	}
	host := func() string {
		return pick("ALL", "LOCAL", "KNOWN", "UNKNOWN", "PARANOID", "alpha", ".example.org", "beta.example.org", "10.0.0.1", "10.0.", "10.0.0.0/24",
			"10.0.0.2/32", "10.0.0.0/255.255.255.252", "*a", "10.0.0.?", "[fd00::]/16", "[fd00::5]", "fd00*", "@net", "EXCEPT", "EXCEPT",
			"/dev/null", "10.0.0.1/24", "*.org", "127.")
	}
	client := func() string {
		if r.IntN(6) == 0 {
			return pick("root", "ALL", "KNOWN", "UNKNOWN", "b*", "LOCAL") + "@" + host()
		}
		return host()
	}
	list := func(one func() string) string {
		words := []string{one()}
		for r.IntN(3) > 0 {
			words = append(words, one())
		}
		return strings.Join(words, pick(" ", ", ", ",", "\t"))
	}
	table := func() []byte {
		var b strings.Builder
		for range r.IntN(6) {
			b.WriteString(list(daemon) + pick(":", " : ") + list(client))
			b.WriteString(pick("", "", "", ": allow", ": DENY", " : severity info : deny", ": twist /bin/echo", ":", ": spawn x\\:y", ": what", " \\\n"))
			b.WriteString("\n")
		}
		return []byte(b.String())
	}
	var queries strings.Builder
	for range 8 {
		queries.WriteString(pick("sshd", "in.ftpd", "x", "sshd@127.0.0.1", "unknown") + " ")
		queries.WriteString(pick("", "", "root@", "bob@") + pick("alpha", "beta.example.org", "gamma.sub.example.org", "10.0.0.1", "10.0.0.2", "10.1.0.1",
			"fd00::5", "localhost", "paranoid", "unknown", "delta.example.com") + "\n")
	}
	return &txtar.Archive{Files: []txtar.File{
		{Name: "hosts.allow", Data: table()}, {Name: "hosts.deny", Data: table()}, {Name: "queries", Data: []byte(queries.String())},
	}}
}

// oracle returns the path of tcpdmatch. Without it, or without root, the test skips, or fails where that is demanded.
func oracle(t *testing.T) string {
	t.Helper()
	lack := t.Skipf
	if os.Getenv("SUPERD_E2E") == "1" {
		lack = t.Fatalf
	}
	folder := os.Getenv("SUPERD_TEST_PROGRAMS")
	if folder == "" {
		folder = "/var/cache/superd-test"
	}
	path := filepath.Join(folder, "tcpd/usr/sbin/tcpdmatch")
	if _, err := os.Stat(path); err != nil {
		lack("%v (packaging/install-test-programs.sh)", err)
	}
	if os.Getuid() != 0 {
		lack("must run as root, to have an /etc/hosts of its own")
	}
	return path
}
