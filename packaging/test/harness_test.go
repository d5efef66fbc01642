package test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// patience bounds every wait for something that a healthy system does at once; a loaded machine may take its time.
const patience = 30 * time.Second

var demanded = os.Getenv("SUPERD_E2E") == "1"

func lack(t testing.TB, format string, args ...any) {
	t.Helper()
	if demanded {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// need returns the path of a program that packaging/install-test-programs.sh installs.
func need(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		lack(t, "install %s (packaging/install-test-programs.sh)", name)
	}
	return path
}

func needRoot(t testing.TB) {
	t.Helper()
	if os.Getuid() != 0 {
		lack(t, "must run as root")
	}
}

// folder is where the script keeps what it does not install.
func folder() string {
	if f := os.Getenv("SUPERD_TEST_PROGRAMS"); f != "" {
		return f
	}
	return "/var/cache/superd-test"
}

// run is a command to its end, which must be in order.
func run(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := try(exec.Command(name, args...))
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return out
}

// try returns both outputs together.
func try(cmd *exec.Cmd) (string, error) {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

func limited(t testing.TB, name string, args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	return exec.CommandContext(ctx, name, args...)
}

func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after %v still not so: %s", patience, what)
		}
	}
}

// The versions that the tests build: one to begin with, and one to upgrade to.
const (
	oldVersion = "0.0.1"
	newVersion = "0.0.2"
)

// built are the packages, made once for all tests, for this machine's architecture: versions old and new. SUPERD_TEST_PACKAGES names
// a folder that has them already.
var built = sync.OnceValues(func() (string, error) {
	if dir := os.Getenv("SUPERD_TEST_PACKAGES"); dir != "" {
		return dir, nil
	}
	dir, err := os.MkdirTemp("", "superd-packages-")
	if err != nil {
		return "", err
	}
	builtIn = dir
	for _, version := range []string{oldVersion, newVersion} {
		cmd := exec.Command("../build.sh", "-a", "amd64", "-f", "deb rpm", dir)
		cmd.Env = append(os.Environ(), "SUPERD_VERSION="+version)
		if out, err := try(cmd); err != nil {
			return "", &buildError{out, err}
		}
	}
	return dir, nil
})

type buildError struct {
	out string
	err error
}

func (e *buildError) Error() string { return "packaging/build.sh: " + e.err.Error() + "\n" + e.out }

var builtIn string

func packages(t testing.TB) string {
	t.Helper()
	if !demanded {
		t.Skip("builds packages: SUPERD_E2E=1")
	}
	for _, name := range []string{"dpkg-deb", "rpmbuild"} {
		need(t, name)
	}
	dir, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func deb(t testing.TB, version string) string {
	t.Helper()
	return filepath.Join(packages(t), "superd_"+version+"-1_amd64.deb")
}

func rpm(t testing.TB, version string) string {
	t.Helper()
	return filepath.Join(packages(t), "superd-"+version+"-1.x86_64.rpm")
}

func TestMain(m *testing.M) {
	status := m.Run()
	if builtIn != "" {
		_ = os.RemoveAll(builtIn)
	}
	os.Exit(status)
}
