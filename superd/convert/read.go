package convert

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"unicode/utf8"
)

const (
	maxFile  = 8 << 20  // bytes of one source file
	maxTotal = 64 << 20 // bytes of all
	maxFiles = 20_000
	maxDepth = 16 // of includes
)

// line is a line of a source file, without its end.
type line = origin

// source is a file that was read.
type source struct {
	name  string
	lines []line
}

// reader reads files, each once, and not more than there can be.
type reader struct {
	d     *draft
	root  string
	stdin io.Reader
	total int64
	files int
	open  []fileID // the files that include this one
	seen  map[fileID]bool
}

type fileID struct{ device, inode uint64 }

// absolute is where a path that the source names is on this machine.
func (r *reader) absolute(path string) string {
	if r.root == "" {
		return path
	}
	return filepath.Join(r.root, path)
}

var (
	errNotRegular = errors.New("not a regular file")
	errTwice      = errors.New("read already")
)

// file reads a whole file. It does not wait for a fifo, or touch a device.
func (r *reader) file(path string) (*source, fileID, error) {
	if path == "-" {
		text, err := io.ReadAll(io.LimitReader(r.stdin, maxFile+1))
		if err != nil {
			return nil, fileID{}, err
		}
		s, err := r.text("stdin", text)
		return s, fileID{}, err
	}
	if info, err := os.Stat(path); err != nil {
		return nil, fileID{}, err
	} else if !info.Mode().IsRegular() {
		return nil, fileID{}, errNotRegular
	}
	// Between the two calls the file may have become another one, hence O_NONBLOCK and the second look.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fileID{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fileID{}, err
	}
	if !info.Mode().IsRegular() {
		return nil, fileID{}, errNotRegular
	}
	st := info.Sys().(*syscall.Stat_t)
	id := fileID{uint64(st.Dev), st.Ino}
	if slices.Contains(r.open, id) {
		return nil, id, errors.New("it includes itself")
	}
	if r.seen[id] {
		return nil, id, errTwice
	}
	r.seen[id] = true
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, id, err
	}
	s, err := r.text(path, text)
	return s, id, err
}

func (r *reader) text(name string, text []byte) (*source, error) {
	r.total += int64(len(text))
	r.files++
	switch {
	case len(text) > maxFile:
		return nil, fmt.Errorf("too large: at most %d bytes are read", maxFile)
	case r.total > maxTotal || r.files > maxFiles:
		return nil, fmt.Errorf("too much: at most %d files and %d bytes are read in all", maxFiles, maxTotal)
	case bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")):
		return nil, errors.New("UTF-16, and not UTF-8")
	}
	if i := bytes.IndexByte(text, 0); i >= 0 {
		return nil, fmt.Errorf("not a text: there is a NUL on line %d", 1+bytes.Count(text[:i], []byte("\n")))
	}
	return r.split(name, text), nil
}

// split makes lines of UTF-8. What is none is taken for Latin-1, as older files are.
func (r *reader) split(name string, text []byte) *source {
	s := &source{name: name}
	if rest, ok := bytes.CutPrefix(text, []byte("\xef\xbb\xbf")); ok {
		r.d.remark(Place{name, 1}, "The file begins with a byte order mark, which was a part of its first line to who read it.")
		text = rest
	}
	if len(text) > 0 && text[len(text)-1] == '\n' {
		text = text[:len(text)-1]
	}
	if len(text) == 0 {
		return s
	}
	returns, latin := 0, 0
	for i, b := range bytes.Split(text, []byte("\n")) {
		at := i + 1
		if rest, ok := bytes.CutSuffix(b, []byte("\r")); ok {
			if returns == 0 {
				returns = at
			}
			b = rest
		}
		text := string(b)
		if !utf8.Valid(b) {
			if latin == 0 {
				latin = at
			}
			text = fromLatin1(b)
		}
		s.lines = append(s.lines, line{Place{name, at}, text})
	}
	if returns > 0 {
		r.d.remark(Place{name, returns}, "Lines end in a carriage return (CRLF), which was a part of the last word to who read them. It is left out.")
	}
	if latin > 0 {
		r.d.remark(Place{name, latin}, "This is not UTF-8; it is taken for Latin-1. Look it over.")
	}
	return s
}

func fromLatin1(b []byte) string {
	var s strings.Builder
	for _, c := range b {
		s.WriteRune(rune(c))
	}
	return s.String()
}

// because is an error's reason without the path and the call, which the sentence around it names.
func because(err error) string {
	if errors.Is(err, os.ErrNotExist) {
		return "there is no such file"
	}
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}
