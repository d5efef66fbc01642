package labeled

import (
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"
)

// xinetdConf has a service for each way to be labelled.
func xinetdConf() string {
	text := `defaults
{
	log_type       = FILE /tmp/xinetd.services
	log_on_success = PID HOST EXIT
	log_on_failure = HOST
	cps            = 1000 1
}
`
	for i, s := range []struct{ name, user, server, argv0, more string }{
		{"root", "root", "/bin/sh", "/bin/sh", ""},
		{"nobody", "nobody", "/bin/sh", "/bin/sh", "\tumask = 027\n"},
		{"forbidden", "root", "/forbidden/sh", "/forbidden/sh", ""},
		{"short", "root", "/bin/sh", "sh", ""},
	} {
		text += fmt.Sprintf(`service %s
{
	type        = UNLISTED
	port        = %d
	socket_type = stream
	protocol    = tcp
	wait        = no
	user        = %s
	flags       = LABELED NAMEINARGS
	server      = %s
	server_args = %s /bin/tell
%s}
`, s.name, 7201+i, s.user, s.server, s.argv0, s.more)
	}
	return text
}

// beside asks Debian's xinetd and superd, on what superd convert makes of the same file, and compares what the programs are.
func beside(t *testing.T) {
	for path, text := range map[string]string{"/etc/xinetd.conf": xinetdConf(), "/bin/tell": tell} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run(t, "/sbin/superd", "convert", "xinetd", "/etc/xinetd.conf", "-o", "/etc/converted")
	const offset = 100
	startUntil(t, "Started working", "/sbin/xinetd", "-dontfork", "-filelog", "/proc/self/fd/2", "-f", "/etc/xinetd.conf", "-pidfile", "/tmp/xinetd.pid")
	start(t, "/sbin/superd", "/etc/converted/superd.hcl", "--port-offset", fmt.Sprint(offset))
	served := 0
	for port := 7201; port <= 7203; port++ {
		for _, from := range []string{"127.0.1.1", "127.0.1.2", "127.0.1.3", "127.0.1.4", "127.0.0.9", "127.0.2.1"} {
			host := "127.0.0.1"
			if from == "127.0.2.1" {
				host = "127.0.2.2"
			}
			theirs, _ := ask(from, fmt.Sprintf("%s:%d", host, port), "x")
			ours, _ := ask(from, fmt.Sprintf("%s:%d", host, port+offset), "x")
			its := fields(theirs)
			if !maps.Equal(its, fields(ours)) {
				t.Errorf("%d from %s: xinetd's program says\n%s\nand superd's\n%s", port, from, theirs, ours)
			}
			if strings.HasPrefix(its["label"], "u:r:prog_t:s0") {
				served++
			}
		}
	}
	// xinetd wants the label of the file that argv[0] names instead of the program's, so it serves nobody where that is no
	// path: unless NAMEINARGS makes it one, as above.
	theirs, _ := ask("127.0.1.1", "127.0.0.1:7204", "x")
	ours, _ := ask("127.0.1.1", "127.0.0.1:7304", "x")
	if theirs != "" || fields(ours)["label"] != "u:r:prog_t:s0:c1" {
		t.Errorf("with another argv[0] xinetd's program says\n%s\nand superd's\n%s", theirs, ours)
	}
	if served != 10 { // two services, and five clients that have a label
		t.Errorf("%d were served, want 10", served)
	}
}
