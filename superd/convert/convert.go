package convert

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"superd/superd/config"
)

// Options say how to convert. The zero value tells the kind of each path by itself and writes one file.
type Options struct {
	Kind     Kind      // of all paths; Unknown: each is looked at
	Apart    bool      // a file for each service, and superd.hcl that includes them
	Into     bool      // with Apart: files for a folder that another superd.hcl includes, so none here; what defaults say is in each service
	Portable bool      // leave out what only the target machine can tell: users, groups, programs, /etc/services
	Root     string    // where the root of the machine that the files are from is copied to; "": they are this one's
	Stdin    io.Reader // read for the path "-"; nil: there is none

	// Find tells where a program without a path is, "" if it is not there; nil: it is looked for in the folders of the
	// standard PATH.
	Find func(program string) string
}

// Result is a configuration of superd. With or without remarks, it passes superd check --portable.
type Result struct {
	Files   []File   // superd.hcl first, unless Into
	IDs     []string // of the services
	Steps   []Step
	Remarks []Remark // in the order of the source's lines, files in the order in which they were read
	Omitted int      // remarks beyond those, for there were too many
}

// Failed reports whether a part of the source could not be read.
func (r *Result) Failed() bool {
	return slices.ContainsFunc(r.Remarks, func(m Remark) bool { return m.Error })
}

// Convert reads the paths and what they include. The error says that there is nothing to convert: no path, or one of an unknown kind.
// What cannot be read is a Remark with Error set, and the rest is converted.
func Convert(paths []string, o Options) (*Result, error) {
	if len(paths) == 0 {
		return nil, errors.New("convert: no path")
	}
	d := &draft{judge: config.NewJudge(), find: o.Find}
	if d.find == nil {
		d.find = findProgram
	}
	r := &reader{d: d, root: o.Root, stdin: o.Stdin, seen: make(map[fileID]bool)}
	if r.stdin == nil {
		r.stdin = strings.NewReader("")
	}
	x := &xinetd{draft: d, reader: r, inherited: make(map[string][]string)}
	n := &inetd{draft: d, reader: r}
	u := &systemd{draft: d, reader: r, done: make(map[string]bool), known: make(map[fileID][]assignment)}
	for _, path := range paths {
		kind := o.Kind
		if kind == Unknown {
			var err error
			if kind, err = kindOf(path); err != nil {
				return nil, fmt.Errorf("convert: %w", err)
			}
		}
		switch kind {
		case Xinetd:
			x.path(path)
		case Inetd:
			n.path(path)
		case Systemd:
			u.path(path)
		}
	}
	n.done()
	d.finish()
	if !o.Portable {
		d.machine()
	}
	var files []File
	switch {
	case o.Apart && o.Into:
		d.fold()
		files = d.each()
	case o.Apart:
		files = d.apart()
	default:
		files = d.whole()
	}
	files = format(files)
	return &Result{Files: files, IDs: d.ids(), Steps: steps(files), Remarks: inOrder(d.remarks), Omitted: d.omitted}, nil
}

func (d *draft) ids() (ids []string) {
	for _, b := range d.services {
		ids = append(ids, b.id())
	}
	return ids
}

// inOrder sorts remarks by line within each file, and leaves out what is said twice.
func inOrder(remarks []Remark) []Remark {
	order := make(map[string]int)
	for _, r := range remarks {
		if _, ok := order[r.File]; !ok {
			order[r.File] = len(order)
		}
	}
	slices.SortStableFunc(remarks, func(a, b Remark) int {
		if a.File != b.File {
			return order[a.File] - order[b.File]
		}
		return a.Line - b.Line
	})
	return slices.Compact(remarks)
}

// findProgram looks into the folders that a daemon's PATH has.
func findProgram(name string) string {
	for _, folder := range []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"} {
		path := filepath.Join(folder, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path
		}
	}
	return ""
}
