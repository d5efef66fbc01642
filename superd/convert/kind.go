package convert

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Kind is the language of a source.
type Kind int

// The languages.
const (
	Unknown Kind = iota
	Xinetd       // xinetd.conf(5), and the folder xinetd.d
	Inetd        // inetd.conf(5)
	Systemd      // systemd.socket(5) and systemd.service(5)
)

var kindNames = [...]string{"", "xinetd", "inetd", "systemd"}

func (k Kind) String() string { return kindNames[k] }

// ParseKind reads xinetd, inetd or systemd.
func ParseKind(s string) (Kind, bool) {
	i := slices.Index(kindNames[1:], s)
	return Kind(i + 1), i >= 0
}

// kindOf tells the language of a file, or of what is in a folder.
func kindOf(path string) (Kind, error) {
	if path == "-" {
		return Unknown, fmt.Errorf("say what standard input is: xinetd, inetd or systemd")
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return Unknown, fmt.Errorf("%s: %s", path, because(err))
	case info.IsDir():
		return kindOfFolder(path)
	case !info.Mode().IsRegular():
		return Unknown, fmt.Errorf("%s: %w", path, errNotRegular)
	}
	if k := kindByName(filepath.Base(path)); k == Systemd {
		return k, nil
	}
	r := &reader{d: new(draft), seen: make(map[fileID]bool)}
	src, _, err := r.file(path)
	if err != nil {
		return Unknown, fmt.Errorf("%s: %s", path, because(err))
	}
	if k := kindOfLines(src.lines); k != Unknown {
		return k, nil
	}
	if k := kindByName(path); k != Unknown {
		return k, nil
	}
	return Unknown, fmt.Errorf("%s: this looks like none of xinetd, inetd and systemd; if it is one, say which", path)
}

// kindOfFolder looks at names, and then into the files.
func kindOfFolder(path string) (Kind, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return Unknown, fmt.Errorf("%s: %s", path, because(err))
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".socket") {
			return Systemd, nil
		}
	}
	const enough = 100
	for _, e := range entries[:min(len(entries), enough)] {
		if !e.Type().IsRegular() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if k, err := kindOf(filepath.Join(path, e.Name())); err == nil && k != Unknown {
			return k, nil
		}
	}
	if k := kindByName(path); k != Unknown {
		return k, nil
	}
	return Unknown, fmt.Errorf("%s: nothing in this folder looks like xinetd, inetd or systemd; if it is one, say which", path)
}

func kindByName(path string) Kind {
	switch base := filepath.Base(path); {
	case slices.Contains([]string{".socket", ".service"}, filepath.Ext(path)):
		return Systemd
	case strings.Contains(base, "xinetd"):
		return Xinetd
	case strings.Contains(base, "inetd"):
		return Inetd
	}
	return Unknown
}

var (
	section   = regexp.MustCompile(`^\[(Unit|Socket|Service|Install)\]$`)
	netbsdKey = regexp.MustCompile(`^\S+\s+(on|off)\b.*=`)
)

// kindOfLines looks at the first line that tells.
func kindOfLines(lines []line) Kind {
	disabled := false
	for _, l := range lines {
		text := strings.TrimSpace(l.text)
		words := strings.Fields(text)
		if len(words) == 0 {
			continue
		}
		if text[0] == '#' {
			_, ok := disabledEntry(l)
			disabled = disabled || ok || strings.HasPrefix(text, "#<off>#")
			continue
		}
		keyword := strings.ToLower(words[0])
		switch {
		case section.MatchString(text):
			return Systemd
		case slices.Contains([]string{"service", "defaults", "include", "includedir"}, keyword) && len(words) <= 3:
			return Xinetd
		case len(words) > 1 && isSocketType(words[1]) || netbsdKey.MatchString(text) || words[0] == ".include":
			return Inetd
		}
	}
	if disabled {
		return Inetd
	}
	return Unknown
}
