package convert

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// xinetd converts files and folders of xinetd.
type xinetd struct {
	*draft
	*reader
	inherited map[string][]string // the words that the lists of defaults have so far
	early     []*service          // services that were read before any defaults
}

// path converts a file, or the files of a folder as includedir takes them.
func (x *xinetd) path(path string) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		x.folder(path, origin{Place: Place{File: path}})
		return
	}
	x.include(path, Place{File: path})
}

// include reads one file; at is what asked for it.
func (x *xinetd) include(path string, at Place) {
	src, id, err := x.file(path)
	if errors.Is(err, errTwice) {
		return
	}
	if errors.Is(err, os.ErrNotExist) && at.Line > 0 { // as a folder that is not there
		x.remark(at, "There is no file %s here. What it has is missing.", path)
		x.head = append(x.head, row{comment: mark + "could not be read: include " + oneLine(path), from: []origin{{Place: at}}})
		return
	}
	if err != nil {
		x.fail(at, "Cannot read %s: %s.", path, because(err))
		return
	}
	x.source(src, id)
}

func (x *xinetd) source(src *source, id fileID) {
	x.open = append(x.open, id)
	defer func() { x.open = x.open[:len(x.open)-1] }()
	entries, after := parseXinetd(src.lines)
	hasDefaults := false
	var last *block
	for _, e := range entries {
		switch e.keyword {
		case "service":
			last = x.service(e)
		case "defaults":
			if hasDefaults && e.lost == "" {
				e.lost, e.lostAt = "there is one defaults entry already in this file", e.at
			}
			hasDefaults = true
			x.defaultsEntry(e)
		case "":
			x.remark(e.at.Place, "Here %s, and xinetd skips all to the next closing brace.", e.name)
		default:
			x.head = append(x.head, e.before...)
			x.follow(src, e)
		}
	}
	if last != nil {
		last.after = after
	} else {
		x.head = append(x.head, after...)
	}
}

// follow reads what an include or includedir names.
func (x *xinetd) follow(src *source, e *entry) {
	switch {
	case e.lost != "":
		x.head = append(x.head, row{comment: mark + oneLine("not read by xinetd: "+e.keyword+" "+e.name), from: []origin{e.at}})
		x.remark(e.at.Place, "xinetd did not read this %s, because on line %d %s.", e.keyword, e.lostAt.Line, e.lost)
		return
	case len(x.open) > maxDepth:
		x.fail(e.at.Place, "Includes go at most %d deep.", maxDepth)
		return
	}
	path := x.resolve(src, e)
	if e.keyword == "includedir" {
		x.folder(path, e.at)
	} else {
		x.include(path, e.at.Place)
	}
}

// resolve finds a relative path beside the file, and else from the root, where xinetd looks for it in a reload.
func (x *xinetd) resolve(src *source, e *entry) string {
	if filepath.IsAbs(e.name) {
		return x.absolute(e.name)
	}
	path := filepath.Join(filepath.Dir(src.name), e.name)
	if _, err := os.Stat(path); err != nil {
		path = x.absolute(filepath.Join("/", e.name))
	}
	x.remark(e.at.Place, "xinetd takes a relative path from the folder that it was started in, and after a reload from /. Here it is %s.", path)
	return path
}

// folder reads what includedir reads: regular files in the order of their names, but for those with a dot or an end in ~.
func (x *xinetd) folder(path string, at origin) {
	entries, err := os.ReadDir(path)
	if err != nil {
		x.remark(at.Place, "Cannot read the folder %s: %s. Its services are missing here.", path, because(err))
		x.head = append(x.head, row{comment: mark + "could not be read: includedir " + oneLine(path), from: []origin{at}})
		return
	}
	slices.SortFunc(entries, func(a, b os.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	for _, f := range entries {
		name := f.Name()
		file := filepath.Join(path, name)
		switch info, err := os.Stat(file); {
		case strings.HasPrefix(name, "."):
		case strings.Contains(name, ".") || strings.HasSuffix(name, "~"):
			x.remark(Place{File: file}, "xinetd leaves out names with a dot or a ~ at the end, and so does this. To convert the file, name it.")
		case err == nil && info.IsDir():
			x.remark(Place{File: file}, "A folder inside an includedir is left out.")
		default:
			x.include(file, Place{File: file})
		}
	}
}

// listed are xinetd's attributes that take =, += and -=, again and again.
var listed = []string{"only_from", "no_access", "log_on_success", "log_on_failure", "passenv", "env", "enabled", "disabled"}

// ofDefaults are the attributes that xinetd allows in defaults.
var ofDefaults = []string{
	"log_type", "log_on_success", "log_on_failure", "only_from", "no_access", "passenv", "instances", "disabled", "enabled", "bind", "interface",
	"per_source", "groups", "cps", "banner", "banner_success", "banner_fail", "max_load", "v6only", "umask", "mdns",
}

func (x *xinetd) defaultsEntry(e *entry) {
	b := x.defaultsBlock(e.at)
	b.before = append(b.before, e.before...)
	s := &service{xinetd: x, b: b, inDefaults: true, set: map[string]bool{}, lists: map[string]*listState{}}
	if e.lost != "" {
		x.both(b, e.lostAt, "xinetd left these defaults out: %s.", e.lost)
		for _, l := range e.lines {
			b.note("left out: "+strings.TrimSpace(l.text), l.origin)
		}
		return
	}
	for _, r := range b.rows {
		s.set[r.name] = r.name != "" && !slices.Contains(listed, r.name)
	}
	for _, l := range e.lines {
		s.line(l)
	}
	s.show()
	s.wider()
	for name, state := range s.lists {
		x.inherited[name] = state.words
	}
	for _, was := range x.early {
		was.missed(b)
	}
	x.early = nil
}

// copied are the defaults that xinetd gives a service when it reads it, so that those further up go without.
var copied = []string{"only_from", "no_access", "log_on_success", "log_on_failure", "passenv", "banner", "banner_success", "banner_fail"}

// missed remarks on a service that xinetd had read before it read the defaults.
func (s *service) missed(defaults *block) {
	var names []string
	for _, name := range copied {
		own := s.b.get(name)
		if defaults.get(name) != nil && (own == nil || strings.HasPrefix(own.value, "concat(")) {
			names = append(names, name)
		}
	}
	if len(names) > 0 {
		s.both(s.b, s.b.at, "This service stands before defaults, so xinetd did not give it their %s. superd does.", strings.Join(names, ", "))
	}
}
