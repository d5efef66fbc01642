package config

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkReload is the load of 10,000 services, each in a file of its own, after one of them has changed.
func BenchmarkReload(b *testing.B) {
	dir := b.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "conf.d"), 0o755); err != nil {
		b.Fatal(err)
	}
	write("superd.hcl", "defaults {\n  groups = true\n}\ninclude = [\"conf.d/*.hcl\"]\n")
	for i := range 10_000 {
		write(fmt.Sprintf("conf.d/%05d.hcl", i), many(i, 1))
	}
	var loader Loader
	load := func() *Config {
		c, d := loader.Load(filepath.Join(dir, "superd.hcl"), Options{Privileged: true})
		if d.Len() > 0 || len(c.Services) != 10_000 {
			_ = d.Write(os.Stderr)
			b.Fatal("not loaded")
		}
		return c
	}
	c := load()
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		b.StopTimer()
		write("conf.d/05000.hcl", many(5000, 1)+fmt.Sprintf("# %d\n", n))
		b.StartTimer()
		c = load()
	}
	_ = c
}
