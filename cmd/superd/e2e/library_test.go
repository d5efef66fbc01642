package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// The library of services: each file of conf.d that names a program is run as it stands in the tree, switched on and with the paths
// of this test in place of the machine's, and used by a real client.

// ship puts a file of conf.d into the site's configuration, switched on. swaps are pairs: what stands in the file, and what stands
// there for this test; each must be there, so that the test goes on being about the file as it is shipped.
func (s *site) ship(name string, swaps ...string) {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "conf.d", name))
	if err != nil {
		s.t.Fatal(err)
	}
	service := string(text)
	for i := 0; i < len(swaps); i += 2 {
		if !strings.Contains(service, swaps[i]) {
			s.t.Fatalf("conf.d/%s does not have %q", name, swaps[i])
		}
		service = strings.ReplaceAll(service, swaps[i], swaps[i+1])
	}
	on := switchedOff.ReplaceAllString(service, "${1}false")
	if on == service {
		s.t.Fatalf("conf.d/%s is not switched off", name)
	}
	s.config(usual + on)
}

var switchedOff = regexp.MustCompile(`(?m)^(\s*disable\s*=\s*)true`)

// served fails the test unless one client of the service was served, and its program has left in good order.
func (d *daemon) served(service string) {
	d.t.Helper()
	d.waitLog(`\bEXIT\b.*\bservice=` + service + `\b.*\bstatus=0\b`)
}

// inFolder is a client that works in a folder, until the test ends.
func inFolder(t testing.TB, dir, name string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	return cmd
}

func TestLibraryProFTPD(t *testing.T) {
	needRoot(t)
	proftpd, curl := needUnpacked(t, "proftpd-core/usr/sbin/proftpd"), need(t, "curl")
	s := newSite(t)
	original := randomFile(t, s.mkdir("ftp", 0, 0)+"/original", transferSize)
	s.write("proftpd.conf", `
ServerType inetd
ModulePath `+needUnpacked(t, "proftpd-core/usr/lib/proftpd")+`
ScoreboardFile none
PidFile $DIR/proftpd.pid
UseReverseDNS off
WtmpLog off
<Anonymous $DIR/ftp>
  User ftp
  Group nogroup
  UserAlias anonymous ftp
  RequireValidShell off
</Anonymous>
`)
	s.ship("proftpd.hcl", `"/usr/sbin/proftpd"`, `"`+proftpd+`"`+"\n  server_args = [\"-c\", \"$DIR/proftpd.conf\"]")
	d := s.start()
	client(t, curl, "-sS", "-o", s.path("copy"), "ftp://"+s.addr+"/original")
	sameFile(t, original, s.path("copy"))
	d.served("proftpd")
}

func TestLibraryAtftpd(t *testing.T) {
	needRoot(t)
	atftpd, curl := needUnpacked(t, "atftpd/usr/sbin/atftpd"), need(t, "curl")
	s := newSite(t)
	original := randomFile(t, s.mkdir("tftp", 65534, 65534)+"/original", transferSize)
	s.ship("atftpd.hcl", "/usr/sbin/atftpd", atftpd, "/srv/tftp", s.path("tftp"), `"--tftpd-timeout", "300"`, `"--tftpd-timeout", "1"`)
	d := s.start()
	for i := range 2 { // by one program, and by the next
		mark := d.mark()
		copy := s.path(fmt.Sprintf("copy-%d", i))
		client(t, curl, "-sS", "-o", copy, "tftp://"+s.addr+"/original")
		sameFile(t, original, copy)
		d.waitLogFrom(mark, `\bEXIT\b.*\bservice=atftpd\b`)
	}
}

func TestLibraryCVS(t *testing.T) {
	needRoot(t)
	cvs := need(t, "cvs")
	s := newSite(t)
	nobody, nogroup := accountOf(t, "nobody")
	repository := s.path("cvs")
	client(t, cvs, "-d", repository, "init")
	s.write("cvs/CVSROOT/passwd", "guest:$1$salt$qJH7.N4xYta3aEG/dfqo/0:nobody\n") // "password", by crypt(3)
	s.write("import/hello.txt", "Hello, world!\n")
	importing := inFolder(t, filepath.Join(s.dir, "import"), cvs, "-Q", "-d", repository, "import", "-m", "first", "greeting", "vendor", "start")
	if out, err := importing.CombinedOutput(); err != nil {
		t.Fatalf("cvs import: %v\n%s", err, out)
	}
	s.write("cvs/CVSROOT/config", "SystemAuth=no\nLockDir=$DIR/locks\n")
	s.mkdir("locks", nobody, nogroup)
	s.ship("cvs.hcl", "--allow-root=/srv/cvs", "--allow-root="+repository)
	d := s.start()
	checkout := inFolder(t, s.dir, cvs, "-Q", "-f", "-d", ":pserver:guest:password@"+s.addr+":"+repository, "checkout", "-d", "copy", "greeting")
	checkout.Env = append(os.Environ(), "CVS_PASSFILE="+s.write("cvspass", ""))
	if out, err := checkout.CombinedOutput(); err != nil {
		t.Fatalf("cvs checkout: %v\n%s", err, out)
	}
	sameFile(t, s.path("import/hello.txt"), s.path("copy/hello.txt"))
	d.served("cvspserver")
}

// TestLibraryIdent asks like an IRC server whom a connection that it got belongs to.
func TestLibraryIdent(t *testing.T) {
	needRoot(t)
	oidentd := need(t, "oidentd")
	s := newSite(t)
	s.ship("ident.hcl", `"/usr/sbin/oidentd"`, `"`+oidentd+`"`)
	d := s.start()

	irc, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer irc.Close()
	from := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(s.addr)}}
	chat, err := from.Dial("tcp", irc.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer chat.Close()
	ports := fmt.Sprintf("%d,%d", chat.LocalAddr().(*net.TCPAddr).Port, irc.Addr().(*net.TCPAddr).Port)
	// The query's own end stays open: oidentd takes a client that has closed its side for gone.
	c := mustDial(t, s.at(113))
	if _, err := io.WriteString(c, ports+"\r\n"); err != nil {
		t.Fatal(err)
	}
	reply, err := io.ReadAll(c)
	me, _ := user.Current()
	if want := ports + ":USERID:UNIX:" + me.Username; strings.ReplaceAll(strings.TrimSpace(string(reply)), " ", "") != want {
		t.Errorf("ident says %q (%v), not %q", reply, err, want)
	}
	d.served("ident")
}

func TestLibraryNRPE(t *testing.T) {
	needRoot(t)
	nrpe, check := need(t, "nrpe"), "/usr/lib/nagios/plugins/check_nrpe"
	if _, err := os.Stat(check); err != nil {
		lack(t, "%v (packaging/install-test-programs.sh)", err)
	}
	s := newSite(t)
	s.write("nrpe.cfg", `
allowed_hosts=127.0.0.1,::1
dont_blame_nrpe=0
command_timeout=60
command[check_hello]=/bin/echo HELLO OK
`)
	s.ship("nrpe.hcl", "/usr/sbin/nrpe", nrpe, "/etc/nagios/nrpe.cfg", "$DIR/nrpe.cfg")
	d := s.start()
	if out := client(t, check, "-H", s.addr, "-c", "check_hello"); out != "HELLO OK\n" {
		t.Errorf("check_nrpe says %q", out)
	}
	d.served("nrpe")
}

func TestLibraryNBD(t *testing.T) {
	needRoot(t)
	nbdkit, nbdinfo, nbdcopy := need(t, "nbdkit"), need(t, "nbdinfo"), need(t, "nbdcopy")
	s := newSite(t)
	image := randomFile(t, s.path("disk.img"), 4<<20)
	s.ship("nbd.hcl", "/usr/bin/nbdkit", nbdkit, "/srv/nbd/disk.img", "$DIR/disk.img")
	d := s.start()
	if size := client(t, nbdinfo, "--size", "nbd://"+s.addr); size != fmt.Sprintln(4<<20) {
		t.Errorf("the disk has %q bytes", size)
	}
	client(t, nbdcopy, "nbd://"+s.addr, s.path("copy"))
	sameFile(t, image, s.path("copy"))
	d.served("nbd")
}

func TestLibraryWWW(t *testing.T) {
	needRoot(t)
	httpd, curl := needUnpacked(t, "micro-httpd/usr/sbin/micro-httpd"), need(t, "curl")
	s := newSite(t)
	page := s.write("www/index.html", "<title>Hello</title>\n")
	picture := randomFile(t, s.path("www/picture.png"), transferSize)
	s.ship("www.hcl", "/usr/sbin/micro-httpd", httpd, "/var/www/html", "$DIR/www")
	d := s.start()
	for path, want := range map[string]string{"/": page, "/picture.png": picture} {
		client(t, curl, "-sSf", "-o", s.path("copy"), "http://"+s.at(8080)+path)
		sameFile(t, want, s.path("copy"))
	}
	if out, err := try(curl, "-sSf", "http://"+s.at(8080)+"/../superd.hcl", "--path-as-is"); err == nil {
		t.Errorf("the site shows files beside its folder: %q", out)
	}
	d.served("www")
}

func TestLibraryFinger(t *testing.T) {
	needRoot(t)
	fingerd := needUnpacked(t, "fingerd/usr/sbin/in.fingerd")
	need(t, "finger")
	s := newSite(t)
	s.ship("finger.hcl", "/usr/sbin/in.fingerd", fingerd)
	d := s.start()
	if answer, err := talk(s.at(79), "root\r\n"); err != nil || !strings.Contains(answer, "Login: root") {
		t.Errorf("finger says %q, %v", answer, err)
	}
	d.served("finger")
}

// TestLibraryAmanda lets a real backup server check its client.
func TestLibraryAmanda(t *testing.T) {
	needRoot(t)
	amcheck := need(t, "amcheck")
	amandad := "/usr/lib/amanda/amandad"
	uid, gid := accountOf(t, "backup")
	s := newSite(t)
	s.write("amanda/amanda.conf", `
org "superd"
mailto ""
infofile "$DIR/amanda/info"
logdir "$DIR/amanda/log"
indexdir "$DIR/amanda/index"
tapedev "$DIR/amanda/tapes"
tpchanger "chg-disk:$DIR/amanda/tapes"
tapetype disk
define tapetype disk {
  length 100 mbytes
}
define dumptype root-tar {
  auth "bsdtcp"
  client_port "10080"
  program "GNUTAR"
}
`)
	s.write("amanda/disklist", "$ADDR $DIR/data root-tar\n")
	for _, dir := range []string{"amanda", "amanda/info", "amanda/log", "amanda/index", "amanda/tapes", "data"} {
		s.mkdir(dir, uid, gid)
	}
	s.ship("amanda.hcl", "/usr/lib/amanda/amandad", amandad)
	d := s.start()
	check := inFolder(t, s.path("amanda"), amcheck, "-c", ".")
	check.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	out, err := check.CombinedOutput()
	if !bytes.Contains(out, []byte("Client check: 1 host checked")) || !bytes.Contains(out, []byte("0 problems found")) {
		t.Errorf("amcheck (%v) says:\n%s", err, out)
	}
	d.served("amanda")
}
