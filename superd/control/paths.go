package control

import (
	"os"
	"path/filepath"
	"strings"
)

// None is the word for no control socket.
const None = "none"

// DefaultPaths are where a daemon that is not told makes its control socket, in the first place where it can, and where clients look:
// RUNTIME_DIRECTORY, which systemd sets (RuntimeDirectory= in systemd.exec(5)), or else /run/superd, and for an
// ordinary user then XDG_RUNTIME_DIR, the folder of their own.
func DefaultPaths() []string {
	const name = "control.sock"
	if dir, _, _ := strings.Cut(os.Getenv("RUNTIME_DIRECTORY"), ":"); filepath.IsAbs(dir) {
		return []string{filepath.Join(dir, name)}
	}
	paths := []string{filepath.Join("/run/superd", name)}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); os.Geteuid() != 0 && filepath.IsAbs(dir) {
		paths = append(paths, filepath.Join(dir, "superd", name))
	}
	return paths
}
