package config

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const shipped = "../../superd.hcl"

// TestShipped: what is delivered loads clean, for root and for anybody, and shows itself to this machine only.
func TestShipped(t *testing.T) {
	files, _ := filepath.Glob("../../conf.d/*.hcl")
	off := 0
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		off += bytes.Count(text, []byte("= true\n}")) // disable is the last line of a service
	}
	for _, o := range []Options{{PortOffset: 10_000}, {Privileged: true}, {Portable: true}} {
		c, d := Load(shipped, o)
		if d.Len() > 0 {
			t.Fatal(printed(t, d))
		}
		if len(c.Services) != 10 || len(c.Disabled) != off {
			t.Errorf("%d services on, off %q", len(c.Services), c.Disabled)
		}
		for _, s := range c.Services {
			if s.Builtin == "" || len(s.Endpoints) != 2 {
				t.Errorf("%s: %+v", s.ID, s)
			}
			for _, e := range s.Endpoints {
				if !e.Addr.Addr().IsLoopback() {
					t.Errorf("%s listens on %s", s.ID, e)
				}
			}
		}
	}
}

// TestShippedServices: each service that is off would load if it were on, wherever its program is there.
func TestShippedServices(t *testing.T) {
	files, _ := filepath.Glob("../../conf.d/*.hcl")
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		on := regexp.MustCompile(`(?m)^\s*disable\s+= true\n`).ReplaceAll(text, nil)
		if _, d := loadText(t, string(on), Options{Portable: true}); d.Len() > 0 {
			t.Error(printed(t, d))
		}
	}
}

// TestShippedFormat: the files are as `superd fmt` would have them.
func TestShippedFormat(t *testing.T) {
	files, _ := filepath.Glob("../../conf.d/*.hcl")
	for _, path := range append(files, shipped) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got, d := Format(text, path); d.Len() > 0 || !bytes.Equal(got, text) {
			t.Errorf("%s is not formatted", path)
		}
	}
}

// TestShippedShowsEverything: superd.hcl has each attribute, and what it shows behind comment signs works too.
func TestShippedShowsEverything(t *testing.T) {
	text, err := os.ReadFile(shipped)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range Attributes {
		if !assigns(text, a.Name) {
			t.Errorf("superd.hcl does not show %s", a.Name)
		}
	}
	_, example, ok := strings.Cut(string(text), "\n#service")
	if !ok {
		t.Fatal("no example")
	}
	example = "service" + regexp.MustCompile(`(?m)^#`).ReplaceAllString(example, "")
	for _, on := range []string{"true", "false"} {
		if _, d := loadText(t, strings.Replace(example, "disable = true", "disable = "+on, 1), Options{Portable: true}); d.Len() > 0 {
			t.Error(printed(t, d))
		}
	}
}
