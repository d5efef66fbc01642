package superd

import (
	"errors"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"superd/superd/config"
	"superd/superd/libwrap"
)

// What libwrap calls a host that has names, doubtful ones, or none.
func TestOneName(t *testing.T) {
	for want, a := range map[string]answer{
		"a.example.org":  {names: []string{"a.example.org", "b.example.org"}, doubtful: true},
		libwrap.Paranoid: {doubtful: true},
		libwrap.Unknown:  {},
	} {
		if got := a.name(); got != want {
			t.Errorf("%+v: %q, want %q", a, got, want)
		}
	}
	if got := (answer{err: errors.New("timeout")}).name(); got != libwrap.Unknown {
		t.Errorf("a resolver that fails: %q", got)
	}
}

// A rule may take a program's rights away and never give it any.
func TestOnlyRootChangesItsUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Skip(err)
	}
	of := func(c *config.Credential) *inquiry {
		set := &settings{Service: &config.Service{Program: config.Program{Path: "/bin/true", Credential: c}}}
		return &inquiry{conn: &conn{listener: &listener{host: &host{}}, set: set}}
	}
	q := of(&config.Credential{})
	if why := q.effect(libwrap.Outcome{Actions: []libwrap.Action{{Kind: libwrap.User, Name: "nobody"}}}); why != "" {
		t.Error(why)
	}
	uid, gid, _ := numbers(nobody)
	if c := q.programNow().Credential; c.Uid != uid || c.Gid != gid {
		t.Errorf("became %+v", c)
	}
	if c := q.set.Program.Credential; c.Uid != 0 {
		t.Errorf("the service's own user has changed: %+v", c)
	}
	for _, a := range []libwrap.Action{{Kind: libwrap.User, Name: "root"}, {Kind: libwrap.Group, Name: "root"}} {
		q := of(&config.Credential{Uid: uid, Gid: gid})
		if why := q.effect(libwrap.Outcome{Actions: []libwrap.Action{a}}); !strings.Contains(why, "does not run as root") {
			t.Errorf("%+v: %q", a, why)
		}
		if q.altered != nil {
			t.Errorf("%+v: %+v", a, q.altered.Credential)
		}
	}
	if why := of(&config.Credential{}).effect(libwrap.Outcome{Actions: []libwrap.Action{{Kind: libwrap.User, Name: "no such user"}}}); why == "" {
		t.Error("somebody who does not exist")
	}
}

// A banner is a file: nothing else keeps anybody waiting, and none is too long.
func TestReadBanner(t *testing.T) {
	dir := t.TempDir()
	long := filepath.Join(dir, "long")
	if err := os.WriteFile(long, make([]byte, 2*bannerLimit), 0o644); err != nil {
		t.Fatal(err)
	}
	if n := len(readBanner(long)); n != bannerLimit {
		t.Errorf("%d bytes", n)
	}
	for _, path := range []string{dir, filepath.Join(dir, "none"), "/dev/zero"} {
		if text := readBanner(path); text != "" {
			t.Errorf("%s: %d bytes", path, len(text))
		}
	}
}
