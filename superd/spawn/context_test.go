package spawn

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"superd/superd/config"
)

// What SELinux makes of it is tested in a kernel that has it: packaging/test/labeled. Here a file takes what the kernel
// would be told.

// attr puts a file in the place of /proc/thread-self/attr/exec, until the test is over.
func attr(t *testing.T) (read func() string) {
	was := execAttr
	t.Cleanup(func() { execAttr = was })
	execAttr = filepath.Join(t.TempDir(), "exec")
	read = func() string {
		text, _ := os.ReadFile(execAttr)
		if err := os.WriteFile(execAttr, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	read()
	return read
}

const someContext = "system_u:system_r:ftpd_t:s0-s0:c0.c1023"

func TestExecContext(t *testing.T) {
	told := attr(t)
	eachWay(t, func(t *testing.T, s *Starter) {
		p := program(s, "/bin/sh", "-c", "ls -l /proc/self/fd; cat")
		if os.Geteuid() == 0 { // who may not write the file any more, nor see it from where he is
			p.Credential = &config.Credential{Uid: 65534, Gid: 65534}
			p.Umask = 0o77
		}
		for _, context := range []string{someContext, "u:r:t", strings.Repeat("c", longestContext)} {
			r, err := tryCommand(t, s, &Command{Program: p, ExecContext: context})
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprint(r.peer, "hello\n")
			_ = syscall.Shutdown(int(r.peer.Fd()), syscall.SHUT_WR)
			text, e := r.end()
			if got := told(); got != context+"\x00" || e.Code != 0 || strings.Count(text, "socket:") != 3 || !strings.HasSuffix(text, "\nhello\n") {
				t.Errorf("told %.50q; %+v\n%s", got, e, text)
			}
			if text := output(t, s, program(s, "/bin/echo", "plain")); text != "plain\n" || told() != "" {
				t.Errorf("the next one: %q", text)
			}
		}
	})
	// Whatever number the connection has.
	for _, fd := range []int{0, 1, 2, 98} {
		out, err := helperCommand("low", fmt.Sprint(fd), execAttr).Output()
		if err != nil || string(out) != "0\n1\n2\n" || told() != "u:r:t:s0:c1\x00" {
			t.Errorf("%d: %q, %v", fd, out, err)
		}
	}
}

func TestExecContextThatCannotBe(t *testing.T) {
	fails := func(s *Starter, context string, want error, text string) {
		t.Helper()
		_, err := tryCommand(t, s, &Command{Program: program(s, "/bin/true"), ExecContext: context})
		if !errors.Is(err, want) || !strings.HasPrefix(err.Error(), text) {
			t.Errorf("%v, want %s: %v", err, text, want)
		}
		output(t, s, program(s, "/bin/true"))
	}
	eachWay(t, func(t *testing.T, s *Starter) {
		if _, err := os.Stat("/sys/fs/selinux/class"); err != nil {
			if err := os.WriteFile(execAttr, []byte(someContext), 0); err == nil {
				t.Fatal("this kernel takes contexts without SELinux")
			} else {
				fails(s, someContext, errors.Unwrap(err), "exec context "+someContext+": ")
			}
		}
		fails(s, strings.Repeat("c", longestContext+1), syscall.EINVAL, "exec context ccc")
		fails(s, "u:r:t:s0\x00u:r:t:s1", syscall.EINVAL, "exec context u:r:t:s0")
	})
	t.Run("file", func(t *testing.T) {
		attr(t)
		s := newStarter(t)
		// What the policy does not let a context execute fails as such.
		_, err := tryCommand(t, s, &Command{Program: program(s, "/no/such/program"), ExecContext: someContext})
		if err == nil || err.Error() != "exec /no/such/program as "+someContext+": no such file or directory" {
			t.Error(err)
		}
		if err := os.Remove(execAttr); err != nil {
			t.Fatal(err)
		}
		fails(s, someContext, syscall.ENOENT, "exec context "+someContext)
	})
}
