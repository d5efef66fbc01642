package labeled

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// The program says what it is and has. It is one exec, that of the shell: all else are the shell's own words.
const tell = `read -r word; echo "word $word"
read -r label </proc/self/attr/current; echo "label $label"
read -r next </proc/self/attr/exec; echo "next $next"
while read -r k v; do case $k in Uid:|Gid:|Groups:|Umask:|NoNewPrivs:) echo "$k $v";; esac; done </proc/self/status
for f in /data/*; do if read -r x <$f; then echo "$f $x"; fi; done 2>/dev/null
echo "dir $(pwd)"`

// attributes are those of a service, as HCL; "" leaves one out.
type attributes map[string]string

// service is a block. The flag NAMEINARGS is for the shell, which knows by its name that it is one.
func service(name string, port int, more attributes) string {
	all := attributes{
		"type": `"UNLISTED"`, "port": fmt.Sprint(port), "socket_type": `"stream"`, "wait": "false", "user": `"root"`,
		"flags": labeled, "server": `"/bin/prog"`, "server_args": fmt.Sprintf("[\"sh\", \"-c\", %q]", tell),
	}
	maps.Copy(all, more)
	text := ""
	for _, attribute := range slices.Sorted(maps.Keys(all)) {
		if all[attribute] != "" {
			text += fmt.Sprintf("  %s = %s\n", attribute, all[attribute])
		}
	}
	return fmt.Sprintf("service %q {\n%s}\n", name, text)
}

const (
	labeled = `["NAMEINARGS", "LABELED"]`
	plain   = `["NAMEINARGS"]`
)

var configuration = `
superd {
  log_type     = "STDERR"
  hosts_access = "/etc"
}
defaults {
  cps = [0, 0]
}
service "tcpmux" {
  type        = "INTERNAL"
  socket_type = "stream"
  port        = 1
}
` +
	service("labeled", 7001, nil) +
	service("plain", 7002, attributes{"flags": plain}) +
	service("worn", 7003, attributes{"user": `"nobody"`, "chroot": `"/jail"`, "umask": `"027"`, "directory": `"/data"`, "nice": "3", "rlimit_files": "50"}) +
	service("stuck", 7004, attributes{"no_new_privs": "true"}) +
	service("forbidden", 7005, attributes{"server": `"/bin/busybox"`}) +
	service("linked", 7006, attributes{"chroot": `"/jail"`, "server": `"/bin/link"`}) +
	service("twisted", 7007, attributes{"libwrap": `"twisted"`}) +
	service("mux", 0, attributes{"type": `["UNLISTED", "TCPMUXPLUS"]`, "port": ""})

// wrap has another program run in a service's place.
const wrap = "twisted : ALL : twist read -r label </proc/self/attr/current; echo label $label\n"

func TestLabeled(t *testing.T) {
	needGuest(t)
	const path = "/etc/superd.hcl"
	for path, text := range map[string]string{path: configuration, "/etc/hosts.allow": wrap} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, stage := range []struct {
		want string
		next func() error
	}{
		{"selinuxfs is not mounted on /sys/fs/selinux", func() error { return unix.Mount("selinuxfs", "/sys/fs/selinux", "selinuxfs", 0, "") }},
		{"no SELinux policy is loaded", func() error {
			policy, err := os.ReadFile("/policy")
			if err == nil {
				err = os.WriteFile("/sys/fs/selinux/load", policy, 0)
			}
			return err
		}},
	} {
		if out, status := check(t, path); status != 2 || !strings.Contains(out, stage.want) || strings.Count(out, "No SELinux") != 7 {
			t.Errorf("exit status %d, want 2 for %q:\n%s", status, stage.want, out)
		}
		if err := stage.next(); err != nil {
			t.Fatal(err)
		}
	}
	if out, status := check(t, path); status != 0 {
		t.Fatalf("exit status %d:\n%s", status, out)
	}
	if own := ownLabel(t); own != "u:r:kernel_t:s0-s0:c0.c1023" {
		t.Fatalf("I am %s", own)
	}
	for file, label := range map[string]string{
		"/sbin/superd": "superd_exec_t:s0", "/sbin/xinetd": "superd_exec_t:s0", "/sbin/unfit": "unfit_exec_t:s0", "/bin/prog": "prog_exec_t:s0", "/bin/sh": "prog_exec_t:s0", "/jail/bin/prog": "prog_exec_t:s0",
		"/data/c1": "file_t:s0:c1", "/data/c2": "file_t:s0:c2", "/jail/data/c1": "file_t:s0:c1", "/jail/data/c2": "file_t:s0:c2",
	} {
		setLabel(t, file, "u:object_r:"+label)
	}
	network(t)
	d := start(t, "/sbin/superd", path)

	t.Run("range of each client", func(t *testing.T) { ranges(t, d) })
	t.Run("with all else that a program may have", worn)
	t.Run("refused", func(t *testing.T) { refused(t, d) })
	t.Run("own label of a client on this machine", local)
	t.Run("by tcpmux", muxed)
	t.Run("a daemon that may not", unfit)
	t.Run("as xinetd does", beside)
}

// networks have static labels by address, and one carries those of the sockets.
func network(t *testing.T) {
	run(t, "/bin/busybox", "ifconfig", "lo", "127.0.0.1", "netmask", "255.0.0.0", "up")
	run(t, "/bin/busybox", "ip", "addr", "add", "fd00::1:1/64", "dev", "lo")
	for address, levels := range map[string]string{"127.0.1.1": "s0:c1", "127.0.1.2": "s0:c2", "127.0.1.3": "s0:c3.c900,c1023", "127.0.1.4": "s0-s0:c4", "fd00::1:1": "s0:c6"} {
		run(t, "/sbin/netlabelctl", "unlbl", "add", "interface:lo", "address:"+address, "label:u:object_r:net_t:"+levels)
	}
	run(t, "/sbin/netlabelctl", "cipsov4", "add", "local", "doi:1")
	run(t, "/sbin/netlabelctl", "map", "del", "default")
	run(t, "/sbin/netlabelctl", "map", "add", "default", "address:0.0.0.0/0", "protocol:unlbl")
	run(t, "/sbin/netlabelctl", "map", "add", "default", "address:::/0", "protocol:unlbl")
	run(t, "/sbin/netlabelctl", "map", "add", "default", "address:127.0.2.0/24", "protocol:cipsov4,1")
}

// ranges: many clients of several ranges at once, and some of a service without the flag among them.
func ranges(t *testing.T, d *daemon) {
	const each = 60
	addresses := map[string]string{"127.0.1.1": "s0:c1", "127.0.1.2": "s0:c2", "127.0.1.3": "s0:c3.c900,c1023", "127.0.1.4": "s0-s0:c4", "fd00::1:1": "s0:c6", "127.0.0.9": ""}
	var all sync.WaitGroup
	slots := make(chan bool, 24)
	for i := range each {
		for from, levels := range addresses {
			slots <- true
			all.Go(func() {
				defer func() { <-slots }()
				port, want := 7001, "u:r:prog_t:"+levels
				if levels == "" || i%6 == 5 {
					port, want = 7002, "u:r:prog_t:s0-s0:c0.c1023"
				}
				to := fmt.Sprintf("127.0.0.1:%d", port)
				if strings.Contains(from, ":") {
					to = fmt.Sprintf("[::1]:%d", port)
				}
				word := fmt.Sprint(from, i)
				text, err := ask(from, to, word)
				got := fields(text)
				if err != nil || got["label"] != want || got["word"] != word || got["next"] != "" || got["Uid"] != "0 0 0 0" {
					t.Errorf("from %s to %d: %q, %v; want %s", from, port, text, err, want)
				}
				// The policy holds for it: data of its own category, and no other's.
				for _, c := range []string{"c1", "c2"} {
					if has := got["/data/"+c] != ""; has != (port == 7002 || levels == "s0:"+c) {
						t.Errorf("from %s to %d: %s is %v", from, port, c, has)
					}
				}
			})
		}
	}
	all.Wait()
	d.says(t, "START", "service=labeled", "from=127.0.1.3", "context=u:r:prog_t:s0:c3.c900,c1023")
	d.says(t, "EXIT", "service=labeled", "status=0")
	if regexp.MustCompile(`service=plain .*context=`).MatchString(d.said()) {
		t.Error("a context in the log of the service without the flag")
	}
}

func worn(t *testing.T) {
	for from, levels := range map[string]string{"127.0.1.1": "s0:c1", "127.0.1.2": "s0:c2"} {
		text, err := ask(from, "127.0.0.1:7003", "x")
		got := fields(text)
		for name, want := range map[string]string{
			"label": "u:r:prog_t:" + levels, "next": "", "word": "x", "Uid": "65534 65534 65534 65534", "Gid": "65534 65534 65534 65534",
			"Umask": "0027", "dir": "/data",
		} {
			if got[name] != want {
				t.Errorf("%s is %q, want %q (%v)\n%s", name, got[name], want, err, text)
			}
		}
	}
	// What runs in the program's place is not let off.
	for from, want := range map[string]string{"127.0.1.1": "label u:r:prog_t:s0:c1\n", "127.0.0.9": ""} {
		if text, err := ask(from, "127.0.0.1:7007", "x"); text != want {
			t.Errorf("from %s: %q, %v", from, text, err)
		}
	}
	// The label of the file in the jail counts, where a link leads inside the jail, too.
	text, err := ask("127.0.1.1", "127.0.0.1:7006", "x")
	if got := fields(text); got["label"] != "u:r:prog_t:s0:c1" {
		t.Errorf("%q, %v", text, err)
	}
}

func refused(t *testing.T, d *daemon) {
	for _, c := range []struct {
		from, service string
		port          int
		words         []string
	}{
		{"127.0.0.9", "labeled", 7001, []string{"127.0.0.9", "nothing has labelled its connection"}},
		{"127.0.1.1", "stuck", 7004, []string{"exec /bin/prog as u:r:prog_t:s0:c1: operation not permitted"}},
		{"127.0.1.1", "forbidden", 7005, []string{"exec /bin/busybox as u:r:superd_t:s0:c1: permission denied"}},
	} {
		text, err := ask(c.from, fmt.Sprintf("127.0.0.1:%d", c.port), "x")
		if text != "" {
			t.Errorf("%s: %q, %v", c.service, text, err)
		}
		d.says(t, append(c.words, "REFUSE", c.service, "verdict=fork")...)
	}
}

// local: CIPSO's local tag carries the label of the client's socket itself, type and all. Its type does not count.
func local(t *testing.T) {
	wearing(t, "u:r:prog_t:s0:c7,c9", func() {
		text, err := ask("127.0.2.1", "127.0.2.2:7001", "x")
		if got := fields(text); got["label"] != "u:r:prog_t:s0:c7,c9" {
			t.Errorf("%q, %v", text, err)
		}
	})
	text, err := ask("127.0.2.1", "127.0.2.2:7001", "x")
	if got := fields(text); got["label"] != "u:r:prog_t:s0-s0:c0.c1023" {
		t.Errorf("%q, %v", text, err)
	}
}

func muxed(t *testing.T) {
	text, err := ask("127.0.1.2", "127.0.0.1:1", "mux\r\nx")
	if got := fields(strings.TrimPrefix(text, "+Go\r\n")); got["label"] != "u:r:prog_t:s0:c2" {
		t.Errorf("%q, %v", text, err)
	}
}

// unfit is a superd in a domain that may not choose what its programs become.
func unfit(t *testing.T) {
	const path = "/etc/unfit.hcl"
	if err := os.WriteFile(path, []byte(service("labeled", 7101, nil)+service("plain", 7102, attributes{"flags": plain})), 0o644); err != nil {
		t.Fatal(err)
	}
	d := start(t, "/sbin/unfit", path)
	if text, _ := ask("127.0.1.1", "127.0.0.1:7101", "x"); text != "" {
		t.Errorf("served: %q", text)
	}
	d.says(t, "REFUSE", "labeled", "verdict=fork", "exec context u:r:prog_t:s0:c1: permission denied")
	if text, err := ask("127.0.1.1", "127.0.0.1:7102", "x"); fields(text)["label"] != "u:r:prog_t:s0-s0:c0.c1023" {
		t.Errorf("%q, %v", text, err)
	}
}
