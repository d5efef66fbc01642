package test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestLabeled boots a virtual machine with Debian's kernel, SELinux enforcing a small policy of ours, and the tests of the folder
// labeled as its process 1. It is emulated, since KVM is not to be had everywhere and not to be relied on inside other machines: that takes
// some ten seconds.
func TestLabeled(t *testing.T) {
	if !demanded {
		t.Skip("boots a virtual machine: SUPERD_E2E=1")
	}
	if runtime.GOARCH != "amd64" {
		t.Skip("the kernel is one for amd64")
	}
	qemu := need(t, "qemu-system-x86_64")
	kernel, _ := filepath.Glob(filepath.Join(folder(), "linux-image-cloud-amd64", "boot", "vmlinuz-*"))
	if len(kernel) != 1 {
		lack(t, "no kernel in %s (packaging/install-test-programs.sh)", folder())
	}
	dir := t.TempDir()
	root := filepath.Join(dir, "root")
	furnish(t, root)
	image := filepath.Join(dir, "initramfs")
	run(t, "sh", "-c", `cd "$0" && find . | cpio -o -H newc -R 0:0 --quiet >"$1"`, root, image)

	console, result := filepath.Join(dir, "console"), filepath.Join(dir, "result")
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute) // where much else runs
	defer cancel()
	out, err := try(exec.CommandContext(ctx, qemu, "-M", "pc", "-accel", "tcg", "-cpu", "max", "-smp", "2", "-m", "1G", "-nodefaults", "-display", "none", "-no-reboot",
		"-kernel", kernel[0], "-initrd", image, "-append", "console=ttyS0 panic=-1 security=selinux enforcing=1",
		"-serial", "file:"+console, "-serial", "file:"+result))
	text := strings.ReplaceAll(read(t, result), "\r", "") // which a terminal adds
	if err != nil || !strings.HasSuffix(text, "\nEND 0\n") || strings.Contains(text, "--- SKIP") {
		t.Errorf("qemu: %v\n%s\n%s\n…\n%s", err, out, text, last(read(t, console), 40))
	}
	passed := regexp.MustCompile(`(?m)^ +--- PASS: (TestLabeled/\S+)`).FindAllString(text, -1)
	if len(passed) != 7 {
		t.Errorf("passed: %q, want 7 parts", passed)
	}
}

// furnish makes the machine's root file system.
func furnish(t *testing.T, root string) {
	t.Helper()
	for _, dir := range []string{"sbin", "bin", "etc", "data", "jail/bin", "jail/data"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, args := range map[string][]string{
		"sbin/superd": {"build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(root, "sbin/superd"), "superd/cmd/superd"},
		"init":        {"test", "-c", "-ldflags", "-s -w", "-o", filepath.Join(root, "init"), "./labeled"},
	} {
		cmd := exec.Command("go", args...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := try(cmd); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
	}
	// Each has a label of its own, so they are no links.
	copyTo(t, filepath.Join(root, "sbin/superd"), root, "sbin/unfit")
	busybox := filepath.Join(folder(), "busybox-static/bin/busybox")
	if _, err := os.Stat(busybox); err != nil {
		lack(t, "no busybox in %s (packaging/install-test-programs.sh)", folder())
	}
	for _, to := range []string{"bin/busybox", "bin/prog", "bin/sh", "forbidden/sh", "jail/bin/prog"} {
		copyTo(t, busybox, root, to)
	}
	if err := os.Symlink("/bin/prog", filepath.Join(root, "jail/bin/link")); err != nil {
		t.Fatal(err)
	}
	xinetd := filepath.Join(folder(), "xinetd/usr/sbin/xinetd")
	if _, err := os.Stat(xinetd); err != nil {
		lack(t, "no xinetd in %s (packaging/install-test-programs.sh)", folder())
	}
	for to, program := range map[string]string{"sbin/netlabelctl": need(t, "netlabelctl"), "sbin/xinetd": xinetd} {
		copyTo(t, program, root, to)
		for _, library := range regexp.MustCompile(`/lib\S+`).FindAllString(run(t, "ldd", program), -1) {
			copyTo(t, library, root, library)
		}
	}
	var categories strings.Builder
	order := ""
	for i := range 1024 {
		fmt.Fprintf(&categories, "(category c%d)\n", i)
		order += fmt.Sprintf(" c%d", i)
	}
	fmt.Fprintf(&categories, "(categoryorder (%s))\n", order)
	for name, text := range map[string]string{
		"etc/passwd": "root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n", "etc/group": "root:x:0:\nnogroup:x:65534:\n", "etc/protocols": "tcp 6 TCP\n",
		"data/c1": "one\n", "data/c2": "two\n", "jail/data/c1": "one\n", "jail/data/c2": "two\n", "../categories.cil": categories.String(),
	} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// Version 33 is of Linux 5.14, older than the kernel.
	run(t, need(t, "secilc"), "-M", "true", "-c", "33", "-o", filepath.Join(root, "policy"), "-f", os.DevNull, "labeled/policy.cil", filepath.Join(root, "../categories.cil"))
}

func copyTo(t *testing.T, from, root, to string) {
	t.Helper()
	to = filepath.Join(root, to)
	text, err := os.ReadFile(from)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(to), 0o755)
	}
	if err == nil {
		err = os.WriteFile(to, text, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// read is a file's text, or why there is none.
func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// last are the last lines.
func last(text string, n int) string {
	lines := strings.SplitAfter(text, "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "")
}
