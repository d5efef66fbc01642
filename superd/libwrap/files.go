package libwrap

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	fileMax  = 4 << 20                // bytes of a file
	filesMax = 64                     // that the tables may name
	depthMax = 3                      // of files that name files: it keeps decisions short
	settle   = 100 * time.Millisecond // a file that has changed so shortly before it was read may change again unseen
)

// Files keeps hosts.allow and hosts.deny of a folder, and the files that they name, as they are on the disk: what has changed is read
// anew. Its methods may be called by several goroutines.
type Files struct {
	dir    string
	report func([]Problem) // called with what is wrong, each time files have been read

	changes changes
	now     atomic.Pointer[snapshot]
	read    sync.Mutex // held to read the files
}

// snapshot is what was read, and how it stood on the disk.
type snapshot struct {
	tables *Tables
	files  []seen
	racy   bool // a file may have changed after it was read without showing it
	blind  bool // a file may change without being counted

	// What was known when the files were last looked at.
	changes atomic.Uint64
	looked  atomic.Int64 // in nanoseconds since 1970
}

type seen struct {
	path string
	id   identity
}

// identity changes when a file does.
type identity struct {
	err                  error
	dev, ino             uint64
	size                 int64
	changedSec, modified int64
	changedNsec          int64
}

// NewFiles looks at nothing yet. report may be nil.
func NewFiles(dir string, report func([]Problem)) *Files {
	if report == nil {
		report = func([]Problem) {}
	}
	return &Files{dir: dir, report: report}
}

// Watch, which comes before Tables, has the kernel tell of changes, so that the files need not be looked at each time, if it can.
func (f *Files) Watch() { f.changes.begin() }

// Tables returns the rules as they are now, or nil if there are none.
func (f *Files) Tables(now time.Time) *Tables {
	n, counted := f.changes.count()
	s := f.now.Load()
	if s != nil && counted && s.still(n, now) {
		return s.tables
	}
	if s == nil || !s.current() {
		return f.load(now).tables
	}
	s.mark(n, now)
	return s.tables
}

// mark notes that the files were looked at, after so many changes.
func (s *snapshot) mark(changes uint64, now time.Time) {
	s.changes.Store(changes)
	s.looked.Store(now.UnixNano())
}

// still reports whether nothing can have changed since the files were looked at.
func (s *snapshot) still(changes uint64, now time.Time) bool {
	age := now.UnixNano() - s.looked.Load()
	return !s.blind && s.changes.Load() == changes && age >= 0 && age < int64(lookAgain)
}

func (s *snapshot) current() bool {
	if s.racy {
		return false
	}
	for _, file := range s.files {
		if identify(file.path) != file.id {
			return false
		}
	}
	return true
}

func identify(path string) identity {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return identity{err: err}
	}
	return identity{
		dev: uint64(st.Dev), ino: st.Ino, size: st.Size,
		changedSec: st.Ctim.Sec, changedNsec: st.Ctim.Nsec, modified: st.Mtim.Nano(),
	}
}

// load reads the files anew, unless somebody else just has.
func (f *Files) load(now time.Time) *snapshot {
	before := f.now.Load()
	f.read.Lock()
	defer f.read.Unlock()
	if s := f.now.Load(); s != before && s.current() {
		return s
	}
	changes := f.changes.anew()
	defer f.changes.forget()
	r := reader{changes: &f.changes, sets: map[place]*hostSet{}}
	tables := &Tables{Allow: r.table(filepath.Join(f.dir, "hosts.allow")), Deny: r.table(filepath.Join(f.dir, "hosts.deny"))}
	s := &snapshot{tables: tables, files: r.files, racy: r.racy, blind: r.blind}
	if tables.Empty() {
		s.tables = nil
	}
	if before == nil || !before.racy || !sameFiles(before.files, s.files) {
		f.report(r.problems)
	}
	s.mark(changes, now)
	f.now.Store(s)
	return s
}

func sameFiles(a, b []seen) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// reader reads the tables and what they name.
type reader struct {
	changes  *changes
	files    []seen
	racy     bool
	blind    bool
	sets     map[place]*hostSet
	problems []Problem
}

// place is where a file is named: in a table, in a file that a table names, and so on.
type place struct {
	path  string
	depth int
}

// content is a file's, nil if it is not there. It is an error if it cannot be read whole.
func (r *reader) content(path string) ([]byte, error) {
	if !r.changes.watch(path) {
		r.blind = true
	}
	id := identify(path)
	r.files = append(r.files, seen{path, id})
	if id.err != nil {
		if errors.Is(id.err, fs.ErrNotExist) {
			return nil, nil
		}
		return nil, id.err
	}
	if age := time.Since(time.Unix(id.changedSec, id.changedNsec)); age < settle {
		r.racy = true
	}
	return readFile(path)
}

// readFile reads a file that is one: a pipe would keep everybody waiting.
func readFile(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	if m := info.Mode(); !m.IsRegular() && m&fs.ModeCharDevice == 0 { // /dev/null is an empty file
		return nil, errors.New("it is no regular file")
	}
	text, err := io.ReadAll(io.LimitReader(f, fileMax+1))
	if err == nil && len(text) > fileMax {
		err = fmt.Errorf("it is larger than %d bytes", fileMax)
	}
	return text, err
}

func (r *reader) table(path string) *Table {
	text, err := r.content(path)
	if err != nil {
		r.problems = append(r.problems, Problem{path, err.Error() + ": it counts as broken"})
		return &Table{name: path, broken: true}
	}
	t, problems := parse(path, text, func(file string) *hostSet { return r.set(place{file, 1}) })
	r.problems = append(r.problems, problems...)
	return t
}

// set reads a file of patterns, once for each place.
func (r *reader) set(at place) *hostSet {
	if s := r.sets[at]; s != nil {
		return s
	}
	nobody := func(format string, args ...any) *hostSet {
		r.problems = append(r.problems, Problem{at.path, "it matches nobody: " + fmt.Sprintf(format, args...)})
		return &hostSet{}
	}
	switch {
	case at.depth > depthMax:
		return nobody("it is named in a file that is named in a file that is named in a file")
	case len(r.sets) >= filesMax:
		return nobody("there are more than %d files", filesMax)
	}
	text, err := r.content(at.path)
	if err != nil {
		return nobody("%v", err)
	}
	note := func(format string, args ...any) {
		r.problems = append(r.problems, Problem{at.path, fmt.Sprintf(format, args...)})
	}
	s := newHostSet(text, func(file string) *hostSet { return r.set(place{file, at.depth + 1}) }, note)
	r.sets[at] = s
	return s
}
