package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestIntro does what superd-intro(7) tells a newcomer to do, with the files as they stand in the page, as an ordinary user.
func TestIntro(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, "packaging/man/superd-intro.7"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range shownFile.FindAllStringSubmatch(string(page), -1) {
		files[f[1]] = f[2]
	}
	s := newSite(t)
	for _, name := range []string{"hello.sh", "first.hcl", "second.hcl", "mistake.hcl"} {
		if files[name] == "" {
			t.Fatalf("the page does not show %s", name)
		}
		s.write(name, files[name])
	}
	s.script("hello.sh", files["hello.sh"])

	binary, err := superdBinary()
	if err != nil {
		t.Fatal(err)
	}
	check := func(name string) (string, error) { return try(binary, "check", "--portable", s.path(name)) }
	if out, err := check("first.hcl"); err != nil {
		t.Fatalf("%s %v", out, err)
	}
	if _, err := check("mistake.hcl"); err == nil || !strings.Contains(err.Error(), `mistake.hcl:5`) || !strings.Contains(err.Error(), "maybe") {
		t.Errorf("superd check says of the mistake: %v", err)
	}

	s.config(files["first.hcl"])
	offset := freeOffset(t)
	cmd := s.command("--port-offset", strconv.Itoa(offset))
	ordinary(cmd, 65534)
	d := s.launch(cmd)
	addr := fmt.Sprintf("127.0.0.1:%d", 20001+offset)
	answer, err := talk(addr, "Ada\n")
	if err != nil || !regexp.MustCompile(`^What is your name\?\nHello, Ada\. It is \d\d:\d\d\.\n$`).MatchString(answer) {
		t.Errorf("the first service answers %q, %v", answer, err)
	}
	d.waitLog(`START service=hello conn=1 pid=\d+ from=127\.0\.0\.1`)
	d.waitLog(`EXIT service=hello conn=1 pid=\d+ status=0 .*duration=`)

	s.config(files["second.hcl"])
	mark := d.mark()
	d.reload()
	d.waitLogFrom(mark, `RELOAD opened=0 kept=0 retuned=1 retired=0`)
	for range 2 {
		mustDial(t, addr)
	}
	if answer, _ := talk(addr, ""); answer != "" { // reset or closed
		t.Errorf("the third client of one address reads %q", answer)
	}
	d.waitLog(`REFUSE service=hello conn=4 verdict=per_source from=127\.0\.0\.1`)
}

var shownFile = regexp.MustCompile(`(?s)\n\.\\" FILE (\S+)\n\.Bd [^\n]*\n(.*?)\n\.Ed\n`)
