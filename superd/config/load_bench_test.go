package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// many is n services as people write them.
func many(from, n int) string {
	var b strings.Builder
	for i := from; i < from+n; i++ {
		fmt.Fprintf(&b, `service "bench%d" {
  type           = "UNLISTED"
  socket_type    = "stream"
  wait           = false
  port           = %d
  bind           = "127.%d.0.1"
  user           = "root"
  server         = "/bin/true"
  server_args    = ["-v", "--number=%d"]
  only_from      = ["192.0.2.0/24", "10.0.0.0/8"]
  log_on_failure = concat(defaults.log_on_failure, ["USERID"])
  instances      = 10
}
`, i, 1+i%60000, 1+i/60000, i)
	}
	return b.String()
}

func BenchmarkLoadOneFile(b *testing.B) {
	benchmarkLoad(b, map[string]string{"superd.hcl": "defaults {\n  groups = true\n}\n" + many(0, 10_000)})
}

func BenchmarkLoadManyFiles(b *testing.B) {
	files := map[string]string{"superd.hcl": "defaults {\n  groups = true\n}\ninclude = [\"conf.d/*.hcl\"]\n"}
	for i := range 10_000 {
		files[fmt.Sprintf("conf.d/%05d.hcl", i)] = many(i, 1)
	}
	benchmarkLoad(b, files)
}

func benchmarkLoad(b *testing.B, files map[string]string) {
	dir := b.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		c, d := Load(filepath.Join(dir, "superd.hcl"), Options{Privileged: true})
		if d.Len() > 0 || len(c.Services) != 10_000 {
			d.Write(os.Stderr)
			b.Fatal("not loaded")
		}
	}
}
