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
