package e2e

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"testing"
)

const transferSize = 3<<20 + 17 // over 1 MB and no multiple of anything

// TestFTP moves files with vsftpd, which opens a second connection for each: to a port of its own (passive) or
// to one of the client's (active).
func TestFTP(t *testing.T) {
	needRoot(t)
	vsftpd, lftp, curl := need(t, "vsftpd"), need(t, "lftp"), need(t, "curl")
	s := newSite(t)
	uid, gid := accountOf(t, "ftp")
	s.mkdir("ftp", 0, 0)
	incoming := s.mkdir("ftp/incoming", uid, gid)
	s.mkdir("empty", 0, 0)
	original := randomFile(t, s.path("ftp/original"), transferSize)
	s.write("vsftpd.conf", `
listen=NO
listen_ipv6=NO
anonymous_enable=YES
no_anon_password=YES
local_enable=NO
write_enable=YES
anon_upload_enable=YES
anon_umask=022
anon_root=$DIR/ftp
ftp_username=ftp
secure_chroot_dir=$DIR/empty
connect_from_port_20=NO
`)
	s.ship("ftp.hcl", "/usr/sbin/vsftpd", vsftpd, "/etc/vsftpd.conf", "$DIR/vsftpd.conf", "wait           = false", "wait = false\n  port = 2121")
	d := s.start()
	url := "ftp://" + s.at(2121)

	for _, mode := range []struct {
		name, lftp string
		curl       []string
	}{
		{"passive", "on", []string{"-sS", "--ftp-pasv"}},
		{"active", "off", []string{"-sS", "--ftp-port", "-"}},
	} {
		t.Run("lftp/"+mode.name, func(t *testing.T) {
			name := "lftp-" + mode.name
			client(t, lftp, "--norc", "-c", fmt.Sprintf(`set cmd:fail-exit yes; set net:max-retries 1; set net:timeout 20;
set ftp:passive-mode %s; set ftp:ssl-allow no; open %s;
get original -o %s; put %s -o incoming/%s; bye`, mode.lftp, url, s.path(name), original, name))
			sameFile(t, original, s.path(name))
			sameFile(t, original, incoming+"/"+name)
		})
		t.Run("curl/"+mode.name, func(t *testing.T) {
			name := "curl-" + mode.name
			client(t, curl, append(mode.curl, "-o", s.path(name), url+"/original")...)
			client(t, curl, append(mode.curl, "-T", original, url+"/incoming/"+name)...)
			sameFile(t, original, s.path(name))
			sameFile(t, original, incoming+"/"+name)
		})
	}
	d.waitLog(`\bSTART\b.*\bservice=ftp\b.*\bfrom=127\.0\.0\.1\b`)
	d.waitLog(`\bEXIT\b.*\bservice=ftp\b`)
}

// accountOf returns the ids of a user of this machine.
func accountOf(t testing.TB, name string) (uid, gid int) {
	t.Helper()
	u, err := user.Lookup(name)
	if err != nil {
		lack(t, "%v (packaging/install-test-programs.sh)", err)
	}
	uid, _ = strconv.Atoi(u.Uid)
	gid, _ = strconv.Atoi(u.Gid)
	return uid, gid
}

// chownAll gives files and folders to a user.
func chownAll(t testing.TB, uid, gid int, paths ...string) {
	t.Helper()
	for _, path := range paths {
		if err := os.Chown(path, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
}
