package convert

import (
	"regexp"
	"strings"
	"testing"
)

// TestCases: one habit of the files out there each, and what becomes of it.
func TestCases(t *testing.T) {
	for _, c := range []struct {
		name  string
		kind  Kind
		files map[string]string // the paths to convert, and their texts
		want  []string          // in the output, blanks run together
		not   []string          // not in it
		says  []string          // in the remarks
		quiet bool              // there are no remarks
	}{
		{
			name: "localhost is the address of the service's family", kind: Xinetd, quiet: true,
			files: map[string]string{"a": plainService("bind = localhost\n\tflags = IPv4"), "b": plainService("flags = REUSE IPv6\n\tbind = localhost\n\tid = b")},
			want:  []string{`bind = "127.0.0.1"`, `bind = "::1"`},
		},
		{
			name: "a group behind a user", kind: Xinetd,
			files: map[string]string{"a": strings.Replace(plainService(""), "nobody", "backup:disk", 1)},
			want:  []string{`user = "backup"`, `group = "disk"`}, says: []string{"finds no user backup:disk"},
		},
		{
			name: "IRIX says nothing of a program that is not there", kind: Inetd, quiet: true,
			files: map[string]string{"inetd.conf": "http stream tcp nowait nobody ?/usr/etc/httpd httpd -p 80\n#9100 stream tcp nowait lp ?/usr/etc/lpd lpd\n"},
			want:  []string{`server = "/usr/etc/httpd"`, `server_args = ["-p", "80"]`, `server = "/usr/etc/lpd"`},
		},
		{
			name: "versions that are no range", kind: Inetd,
			files: map[string]string{"inetd.conf": "mountd/1,3 dgram rpc/udp wait root /sbin/mountd mountd\nrstatd/2,3-4 dgram rpc/udp wait root /sbin/rstatd rstatd\n"},
			want:  []string{`rpc_version = "1-3"`, `rpc_version = "2-4"`}, says: []string{"those of 1 to 3 that are not among 1,3 too"}, not: []string{"2,3-4"},
		},
		{
			name: "versions that are none", kind: Inetd,
			files: map[string]string{"inetd.conf": "a/x dgram rpc/udp wait root /a a\nb/3-1 dgram rpc/udp wait root /b b\nc/1-99999999999 dgram rpc/udp wait root /c c\n"},
			says:  []string{`or is none: "x"`, `or is none: "3-1"`, `or is none: "1-99999999999"`}, not: []string{"rpc_version"},
		},
		{
			name: "a comment behind an entry", kind: Inetd,
			files: map[string]string{"inetd.conf": "9100 stream tcp nowait lp /bin/cat cat -u # for the printer\n"},
			want:  []string{`server_args = ["-u", "#", "for", "the", "printer"]`}, says: []string{"# for the printer goes to the program"},
		},
		{
			name: "localhost is the address of the entry's protocol", kind: Inetd, quiet: true,
			files: map[string]string{"inetd.conf": "localhost:7001 stream tcp nowait nobody /bin/cat cat\nlocalhost:7002 stream tcp6 nowait nobody /bin/cat cat\nlocalhost:7003 stream tcp46 nowait nobody /bin/cat cat\n"},
			want:  []string{`bind = "127.0.0.1"`, `bind = "::1"`, `bind = ["127.0.0.1", "::1"]`},
		},
		{
			name: "AIX's tcp6 takes IPv4 as well", kind: Inetd, quiet: true,
			files: map[string]string{"inetd.conf": "7001 stream tcp6 nowait root /usr/sbin/ftpd ftpd\n#rexd sunrpc_tcp tcp wait root /usr/sbin/rpc.rexd rexd 100017 1\n#tftp dgram udp6 SRC nobody /usr/sbin/tftpd tftpd -n\n"},
			want:  []string{`server = "/usr/sbin/tftpd"`}, not: []string{"v6only"},
		},
		{
			name: "a group behind NetBSD's user", kind: Inetd, quiet: true,
			files: map[string]string{"inetd.conf": "7001 on protocol = tcp, wait = no, user = root:mail, exec = /bin/cat, args = cat;\n"},
			want:  []string{`user = "root"`, `group = "mail"`},
		},
		{
			name: "what a unit says of its own socket and of files", kind: Systemd, quiet: true,
			files: map[string]string{
				"a.socket":  "[Socket]\nListenDatagram=7001\nSocketMode=0660\nRemoveOnStop=yes\n",
				"a.service": "[Unit]\nRequires=a.socket\nCollectMode=inactive-or-failed\n[Service]\nExecStart=/bin/cat\nStandardInput=socket\n",
			},
			want: []string{`server = "/bin/cat"`, "# SocketMode=0660", "# Requires=a.socket"},
		},
		{
			name: "a unit that needs another", kind: Systemd,
			files: map[string]string{"a.socket": "[Socket]\nListenStream=7001\n", "a.service": "[Unit]\nRequires=a.socket b.service\n[Service]\nExecStart=/bin/cat\nStandardInput=socket\n"},
			says:  []string{"Requires=a.socket b.service -- superd has nothing for it"},
		},
		{
			name: "systemd-socket-proxyd with options behind its target", kind: Systemd, quiet: true,
			files: map[string]string{"a.socket": "[Socket]\nListenStream=7001\n", "a.service": "[Service]\nExecStart=/usr/lib/systemd/systemd-socket-proxyd --exit-idle-time=1min 192.0.2.1:80 -c 20\n"},
			want:  []string{`redirect = ["192.0.2.1", 80]`, "instances = 20", "wait = false"}, not: []string{"server ="},
		},
		{
			name: "systemd-socket-proxyd to a file", kind: Systemd,
			files: map[string]string{"a.socket": "[Socket]\nListenStream=7001\n", "a.service": "[Service]\nExecStart=/usr/lib/systemd/systemd-socket-proxyd /run/app.sock\n"},
			want:  []string{"disable = true"}, says: []string{"and not to /run/app.sock. The service is off."},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := write(t, c.files)
			r, err := Convert([]string{dir}, Options{Kind: c.kind, Portable: true})
			if err != nil {
				t.Fatal(err)
			}
			passes(t, r)
			text := blanks.ReplaceAllString(string(r.Files[0].Text), " ")
			for _, want := range c.want {
				if !strings.Contains(text, want) {
					t.Errorf("there is no %q", want)
				}
			}
			for _, not := range c.not {
				if strings.Contains(text, not) {
					t.Errorf("there is %q", not)
				}
			}
			for _, want := range c.says {
				if !says(r, want) {
					t.Errorf("nothing says %q", want)
				}
			}
			if c.quiet && len(r.Remarks) > 0 {
				t.Error("it says something")
			}
			if t.Failed() {
				t.Logf("%s\n%v", r.Files[0].Text, r.Remarks)
			}
		})
	}
}

var blanks = regexp.MustCompile(` +`)

// plainService is an entry of xinetd with further lines.
func plainService(lines string) string {
	return "service a\n{\n\ttype = UNLISTED\n\tport = 7001\n\tsocket_type = stream\n\twait = no\n\tuser = nobody\n\tserver = /bin/cat\n\t" + lines + "\n}\n"
}
