package e2e

import (
	"fmt"
	"os"
	"testing"
	"time"
)

// TestTFTP is dgram/wait with its best known server: in.tftpd takes the socket, serves everybody who comes,
// and leaves after a second without a client; then superd watches the socket again.
func TestTFTP(t *testing.T) {
	needRoot(t)
	tftpd, tftp, curl := need(t, "in.tftpd"), need(t, "tftp"), need(t, "curl")
	s := newSite(t)
	root := s.mkdir("tftp", 0, 0)
	original := randomFile(t, root+"/original", transferSize)
	uid, gid := accountOf(t, "tftp")
	// in.tftpd writes only to files that are there and that everybody may write.
	for _, name := range []string{"from-tftp", "from-curl-512", "from-curl-8192"} {
		if err := os.WriteFile(root+"/"+name, nil, 0o666); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(root+"/"+name, 0o666); err != nil {
			t.Fatal(err)
		}
		chownAll(t, uid, gid, root+"/"+name)
	}
	s.ship("tftp.hcl", "/usr/sbin/in.tftpd", tftpd, `["-s", "/srv/tftp"]`, `["-t", "1", "-u", "tftp", "-s", "$DIR/tftp"]`, "wait        = true", "wait = true\n  port = 6969")
	d := s.start()
	host, url := s.addr, "tftp://"+s.at(6969)

	t.Run("tftp", func(t *testing.T) {
		client(t, tftp, "-m", "binary", host, "6969", "-c", "get", "original", s.path("get"))
		sameFile(t, original, s.path("get"))
		client(t, tftp, "-m", "binary", host, "6969", "-c", "put", original, "from-tftp")
		eventuallySame(t, original, root+"/from-tftp")
	})
	for _, size := range []string{"512", "8192"} {
		t.Run("curl/blksize="+size, func(t *testing.T) {
			client(t, curl, "-sS", "--tftp-blksize", size, "-o", s.path("curl-"+size), url+"/original")
			sameFile(t, original, s.path("curl-"+size))
			client(t, curl, "-sS", "--tftp-blksize", size, "-T", original, url+"/from-curl-"+size)
			eventuallySame(t, original, root+"/from-curl-"+size)
		})
	}
	t.Run("both at once", func(t *testing.T) {
		done := make(chan error)
		for i := range 2 {
			got := s.path(fmt.Sprintf("at-once-%d", i))
			go func() {
				_, err := try(tftp, "-m", "binary", host, "6969", "-c", "get", "original", got)
				if err == nil {
					err = compareFiles(original, got)
				}
				done <- err
			}()
		}
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
	t.Run("after the server has left", func(t *testing.T) {
		for range 2 {
			mark := d.mark()
			client(t, tftp, "-m", "binary", host, "6969", "-c", "get", "original", s.path("again"))
			sameFile(t, original, s.path("again"))
			d.waitLogFrom(mark, `\bEXIT\b.*\bservice=tftp\b`)
		}
	})
}

// eventuallySame waits until the server has written the last block, which it does after having acknowledged it.
func eventuallySame(t *testing.T, want, got string) {
	t.Helper()
	info, err := os.Stat(want)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, 5*time.Second, got+" is complete", func() bool {
		now, err := os.Stat(got)
		return err == nil && now.Size() == info.Size()
	})
	sameFile(t, want, got)
}
