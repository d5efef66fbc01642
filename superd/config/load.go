package config

import (
	"path/filepath"

	"github.com/hashicorp/hcl/v2"
)

// Options says for whom and where a configuration is loaded. The zero value is an ordinary user's.
type Options struct {
	// PortOffset is added to every port.
	PortOffset int
	// Privileged is for a process that may switch users. A service with a program must then name its user. Without it any user but
	// the process's own is an error, and Credential is nil.
	Privileged bool
	// Portable leaves out what only the target machine can tell: users, groups, programs, interfaces, names of /etc/services.
	// Such a Config is for looking at: Credential is nil, and a service with an unknown port has no Endpoints.
	Portable bool
}

const (
	maxServices = 100_000
	maxFiles    = 100_000
	maxDepth    = 16 // of includes
)

// loader is one load.
type loader struct {
	opt     Options
	diags   *Diagnostics
	machine machine
	memory  *memory // of an earlier load; nil: there was none, or it is not to be used

	files    []*source
	read     map[fileID]struct{}
	patterns []string // absolute
	depth    int      // of the file being read

	defaults, daemon *item
	services         []*item
	environments     lists
	between          bool // something was said about services in one another's way
}

// Load reads the file at path and what it includes. The Config is nil if there is any error; warnings may accompany one.
// The Diagnostics are never nil. Nothing is kept between calls.
func Load(path string, o Options) (*Config, *Diagnostics) {
	return new(Loader).Load(path, o)
}

// load is one load with the services of an earlier one that memory still knows.
func load(path string, o Options, m *memory) (*Config, *loader) {
	l := newLoader(o)
	if m != nil {
		l.memory, l.machine = m, m.machine
	}
	l.include(path, hcl.Range{})
	c := l.build()
	l.diags.finish()
	if l.diags.HasErrors() {
		return nil, l
	}
	return c, l
}

func newLoader(o Options) *loader {
	return &loader{opt: o, diags: newDiagnostics(), machine: machine{portable: o.Portable}, read: make(map[fileID]struct{}), environments: make(lists)}
}

// include reads one file, unless it was read before; at is the word that asks for it, zero for the main file.
func (l *loader) include(path string, at hcl.Range) {
	if at.Filename == "" {
		at.Filename = path
	}
	id, err := identify(path)
	if err != nil {
		l.diags.errorf(at, "Cannot read file", "%s: %s.", path, because(err))
		return
	}
	if _, again := l.read[id]; again {
		return
	}
	l.read[id] = struct{}{}
	if len(l.files) >= maxFiles || l.depth > maxDepth {
		l.diags.errorf(at, "Too many files", "At most %d files are read, and includes go at most %d deep.", maxFiles, maxDepth)
		return
	}
	text, err := readRegular(path, maxFile)
	if err != nil {
		l.diags.errorf(at, "Cannot read file", "%s: %s.", path, because(err))
		return
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		l.diags.errorf(at, "Cannot read file", "%s: %s.", path, because(err))
		return
	}
	l.depth++
	l.add(&source{name: path, abs: abs, text: text})
	l.depth--
}

// add parses a file, keeps its blocks and follows its includes.
func (l *loader) add(src *source) {
	src.order = len(l.files)
	l.files = append(l.files, src)
	l.diags.files[src.name] = src
	src.parse(l.memory, l.diags)
	for i := range src.parts {
		l.part(src, &src.parts[i])
	}
	top := &spec{Service: new(Service), src: src, attrs: src.attrs}
	l.decode(top, InFile, noVariables)
	for _, w := range top.include {
		l.pattern(src, w)
	}
}

// part files the blocks of a part.
func (l *loader) part(src *source, p *part) {
	switch {
	case p.known != nil:
		l.service(&item{src: src, known: p.known, line: p.start.Line + p.known.line})
	case p.body != nil:
		for _, b := range p.body.Blocks {
			l.block(&item{src: src, block: b, part: p, line: b.TypeRange.Start.Line})
		}
	}
}
