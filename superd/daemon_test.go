package superd

import (
	"os"
	"path/filepath"
	"testing"

	"superd/superd/config"
	"superd/superd/control"
)

// Daemons inside the test, whose end is the test's to bring about. They write to log.

// begin begins one with a configuration.
func begin(t *testing.T, text string, log *safeBuffer) *loop {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "superd.hcl"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return beginIn(t, dir, log)
}

// beginIn begins one with the superd.hcl in dir.
func beginIn(t *testing.T, dir string, log *safeBuffer) *loop {
	t.Helper()
	d, first, diags := load(t, dir, log)
	if err := d.begin(first, diags); err != nil {
		t.Fatal(err)
	}
	return d
}

// load makes one that has not begun.
func load(t *testing.T, dir string, log *safeBuffer) (*loop, *config.Config, *config.Diagnostics) {
	t.Helper()
	d := &loop{options: Options{Config: filepath.Join(dir, "superd.hcl"), Stderr: log, Control: control.None}}
	first, diags := d.load()
	if diags.HasErrors() {
		t.Fatal(written(diags))
	}
	return d, first, diags
}
