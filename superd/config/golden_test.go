package config

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with a file of testdata.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; got:\n%s\nwant:\n%s", path, got, want)
	}
}

// TestInvalid compares the diagnostics of each testdata/invalid/NAME.hcl with NAME.diag.
func TestInvalid(t *testing.T) {
	files, _ := filepath.Glob("testdata/invalid/*.hcl")
	if len(files) < 10 {
		t.Fatalf("only %d files", len(files))
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			_, d := Load(path, Options{Privileged: true})
			if d.Len() == 0 {
				t.Error("nothing is wrong with it")
			}
			var got bytes.Buffer
			if err := d.Write(&got); err != nil {
				t.Fatal(err)
			}
			golden(t, path[:len(path)-len(".hcl")]+".diag", got.Bytes())
		})
	}
}
