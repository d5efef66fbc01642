package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
)

func service(name string) string {
	return fmt.Sprintf("service %q {\n type = \"INTERNAL\"\n socket_type = \"stream\"\n}\n", name)
}

func TestIncludes(t *testing.T) {
	dir := write(t, map[string]string{
		"superd.hcl":       `include = ["b/*.hcl", "a.hcl", "b/2.hcl", "none/*.hcl"]`,
		"a.hcl":            `include = ["sub/c.hcl", "superd.hcl"]` + "\n" + service("echo"), // a circle
		"b/2.hcl":          service("time"),
		"b/10.hcl":         service("discard"),
		"b/.#2.hcl":        "an editor's lock",
		"b/3.hcl.orig":     "a left-over",
		"sub/c.hcl":        `include = ["../b/10.hcl", "d.hcl"]` + "\n" + service("daytime"),
		"sub/d.hcl":        service("chargen"),
		"b/5.hcl/file.hcl": "in a folder that looks like a file",
	})
	if err := os.Link(filepath.Join(dir, "b/2.hcl"), filepath.Join(dir, "b/4.hcl")); err != nil { // one file, two names
		t.Fatal(err)
	}
	c, d := Load(filepath.Join(dir, "superd.hcl"), Options{})
	wantProblem(t, d, Warning, "b/5.hcl", "regular file")
	var ids []string
	for _, s := range c.Services {
		ids = append(ids, s.ID)
	}
	if want := []string{"discard", "time", "echo", "daytime", "chargen"}; !reflect.DeepEqual(ids, want) {
		t.Errorf("services %q, want %q", ids, want)
	}
	for i, name := range []string{"superd.hcl", "b/10.hcl", "b/2.hcl", "a.hcl", "sub/c.hcl", "sub/d.hcl"} {
		if got := c.Files[i]; got != filepath.Join(dir, name) {
			t.Errorf("file %d is %s, want %s", i, got, name)
		}
	}
	if want := filepath.Join(dir, "b/*.hcl"); c.Includes[0] != want {
		t.Errorf("pattern %s, want %s", c.Includes[0], want)
	}
}

// TestIncludeOddFiles: what is no regular file neither hangs nor is read.
func TestIncludeOddFiles(t *testing.T) {
	dir := write(t, map[string]string{"superd.hcl": `include = ["*.hcl"]`})
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo.hcl"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/zero", filepath.Join(dir, "zero.hcl")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", filepath.Join(dir, "dangling.hcl")); err != nil {
		t.Fatal(err)
	}
	c, d := Load(filepath.Join(dir, "superd.hcl"), Options{})
	if c == nil || d.Len() != 3 {
		t.Error(printed(t, d))
	}
	for _, name := range []string{"fifo.hcl", "zero.hcl", "."} {
		_, d := Load(filepath.Join(dir, name), Options{})
		wantProblem(t, d, Error, "Cannot read file", "is not a regular file")
		if name == "." {
			continue
		}
		_, d = loadText(t, fmt.Sprintf("include = [%q]", filepath.Join(dir, name)), Options{})
		wantProblem(t, d, Error, "Cannot read file", "is not a regular file", "superd.hcl:1,12")
	}
}

func TestIncludeTooLarge(t *testing.T) {
	_, d := loadText(t, strings.Repeat("# nothing\n", maxFile/10+1), Options{})
	wantProblem(t, d, Error, "too large")
}

func TestIncludeTooDeep(t *testing.T) {
	files := map[string]string{"superd.hcl": `include = ["0.hcl"]`}
	for i := range 100 {
		files[fmt.Sprintf("%d.hcl", i)] = fmt.Sprintf("include = [\"%d.hcl\"]", i+1)
	}
	_, d := Load(filepath.Join(write(t, files), "superd.hcl"), Options{})
	wantProblem(t, d, Error, "Too many files")
}

func TestIncludeBadPattern(t *testing.T) {
	for _, p := range []string{`[`, ``, `a\u0001`} {
		_, d := loadText(t, `include = ["`+p+`"]`, Options{})
		wantProblem(t, d, Error, "Bad pattern")
	}
}

// TestIncludeUnreadableFolder: a reload that cannot see its files must not take them for gone.
func TestIncludeUnreadableFolder(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root can read every folder")
	}
	dir := write(t, map[string]string{"superd.hcl": `include = ["conf.d/*.hcl"]`, "conf.d/a.hcl": ""})
	folder := filepath.Join(dir, "conf.d")
	if err := os.Chmod(folder, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(folder, 0o755) }) // so that it can be removed
	_, d := Load(filepath.Join(dir, "superd.hcl"), Options{})
	wantProblem(t, d, Error, "Cannot read folder")
}

func TestBannerFiles(t *testing.T) {
	dir := write(t, map[string]string{"small": "hi", "large": strings.Repeat("x", maxBanner+1)})
	for path, ok := range map[string]bool{"small": true, "large": false, ".": false, "none": false} {
		text := strings.Replace(service("echo"), "}", fmt.Sprintf("banner_fail = %q\n}", filepath.Join(dir, path)), 1)
		c, d := loadText(t, text, Options{})
		if ok {
			if d.Len() > 0 || string(c.Services[0].BannerFail) != "hi" {
				t.Errorf("%s: %s", path, printed(t, d))
			}
			continue
		}
		wantProblem(t, d, Warning, "No banner")
		if c.Services[0].BannerFail != nil {
			t.Errorf("%s: a banner", path)
		}
	}
}
