package config

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// fileID is a file whatever it is called.
type fileID struct{ device, inode uint64 }

func identify(path string) (fileID, error) {
	info, err := os.Stat(path)
	if err != nil {
		return fileID{}, err
	}
	if !info.Mode().IsRegular() {
		return fileID{}, errNotRegular
	}
	st := info.Sys().(*syscall.Stat_t)
	return fileID{uint64(st.Dev), uint64(st.Ino)}, nil
}

// pattern follows one word of include. The names it matches are shown as the including file's is.
func (l *loader) pattern(src *source, w word) {
	if w.text == "" || strings.ContainsFunc(w.text, isControl) {
		l.diags.errorf(w.at, "Bad pattern", `Write for example include = ["conf.d/*.hcl"].`)
		return
	}
	abs := func(p string) string { return filepath.Join(src.folder(), p) }
	show := func(p string) string { return filepath.Join(filepath.Dir(src.name), p) }
	if filepath.IsAbs(w.text) {
		abs, show = filepath.Clean, filepath.Clean
	}
	l.patterns = append(l.patterns, abs(w.text))
	if !strings.ContainsAny(w.text, `*?[\`) {
		if _, err := os.Stat(show(w.text)); os.IsNotExist(err) {
			l.diags.warnf(w.at, "No such file", "There is no file %s now.", show(w.text))
			return
		}
		l.include(show(w.text), w.at)
		return
	}
	for _, path := range l.matches(show(w.text), w) {
		if _, err := identify(path); err != nil {
			l.diags.warnf(w.at, "File left out", "%s: %s.", path, because(err))
			continue
		}
		l.include(path, w.at)
	}
}

// readable is why a folder cannot be read; nil if it is not there.
func readable(folder string) error {
	f, err := os.Open(folder)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Readdirnames(1); err != io.EOF {
		return err
	}
	return nil
}

// matches are the paths that match a pattern, sorted. Names that begin with a dot are an editor's and do not match.
func (l *loader) matches(pattern string, w word) []string {
	paths, err := filepath.Glob(pattern)
	if err != nil {
		l.diags.errorf(w.at, "Bad pattern", "%q is not a pattern: it has *, ? and [a-z], and \\ before one that is meant as itself.", w.text)
		return nil
	}
	// Glob is silent about a folder that it cannot read, and a reload without its services would stop them all.
	if folder := filepath.Dir(pattern); !strings.ContainsAny(folder, `*?[\`) {
		if err := readable(folder); err != nil {
			l.diags.errorf(w.at, "Cannot read folder", "%s: %s.", folder, because(err))
		}
	}
	paths = slices.DeleteFunc(paths, func(p string) bool {
		base := filepath.Base(p)
		return base[0] == '.' && !strings.HasPrefix(filepath.Base(pattern), ".")
	})
	slices.Sort(paths)
	return paths
}
