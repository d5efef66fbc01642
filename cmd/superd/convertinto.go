package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"superd/superd/config"
	"superd/superd/convert"
)

// isIncluded reports whether files of the folder are read by the superd.hcl beside it, as those of /etc/superd/conf.d are.
func isIncluded(folder string) (bool, error) {
	if folder == "" {
		return false, nil
	}
	folder, err := filepath.Abs(folder)
	if err != nil {
		return false, err
	}
	main := filepath.Join(filepath.Dir(folder), "superd.hcl")
	if _, err := os.Stat(main); err != nil {
		return false, nil // none: nothing includes the folder
	}
	c, diags := config.Load(main, config.Options{Portable: true})
	if diags.HasErrors() {
		return false, fmt.Errorf("convert: %s, which may include %s, has errors: superd check %[1]s", main, folder)
	}
	return slices.ContainsFunc(c.Includes, func(pattern string) bool {
		match, err := filepath.Match(pattern, filepath.Join(folder, "service.hcl"))
		return match && err == nil
	}), nil
}

// makeRoom renames the files of the folder that are in the way: those that have a service of the result, and whose services
// are all off, as most of those that superd is shipped with. What is on stays, and is then in the way, unless forced; then
// nothing is renamed either. A file that was renamed before is not lost for another one.
func makeRoom(w io.Writer, folder string, r *convert.Result, force bool) error {
	idle, err := idleFiles(folder, r.IDs)
	if err != nil {
		return err
	}
	if err := inTheWay(folder, r.Files, force, idle); err != nil {
		return err
	}
	for _, path := range idle {
		if err := os.Rename(path, path+".off"); err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "%s: its services were off; it is %s.off now\n", path, filepath.Base(path)); err != nil {
			return err
		}
	}
	return nil
}

// idleFiles are those that have one of the services, and none that is on.
func idleFiles(folder string, ids []string) (idle []string, err error) {
	paths, err := filepath.Glob(filepath.Join(folder, "*.hcl"))
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		c, diags := config.Load(path, config.Options{Portable: true})
		wanted := func(id string) bool { return slices.Contains(ids, id) }
		if diags.HasErrors() || len(c.Services) > 0 || !slices.ContainsFunc(c.Disabled, wanted) {
			continue
		}
		if _, err := os.Lstat(path + ".off"); err != nil {
			idle = append(idle, path)
		}
	}
	return idle, nil
}
