package config

import (
	"path/filepath"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

const noControl = "none"

func controlPath() Kind {
	return Kind{Type: `path or "none"`, set: func(c cell, s *spec) {
		v, ok := c.line()
		if !ok {
			return
		}
		if strings.EqualFold(v, noControl) {
			s.control.Path = noControl
		} else if p, ok := c.path(v, false); ok {
			s.control.Path = p
		}
	}}
}

// controlMode takes octal digits in quotes, for the reason that umask does.
func controlMode() Kind {
	return Kind{Type: "string", set: func(c cell, s *spec) {
		v, ok := c.line()
		if !ok {
			return
		}
		n, err := strconv.ParseUint(v, 8, 16)
		if err != nil || n > 0o777 || n&0o600 != 0o600 {
			c.errorf("Bad mode", `%q is not an octal number from 0600 to 0777 that lets the owner read and write.`, v)
			return
		}
		s.control.Mode = uint32(n)
	}}
}

// control resolves the socket's group.
func (l *loader) control(s *spec) Control {
	c := s.control
	c.Gid = -1
	if s.controlGroup == "" || l.opt.Portable {
		return c
	}
	gid, err := l.machine.group(s.controlGroup)
	if err != nil {
		l.diags.errorf(s.at("control_group"), "Unknown group", "There is no group %q on this machine.", s.controlGroup)
		return c
	}
	c.Gid = int(gid)
	return c
}

// ControlOf is Daemon.Control as far as the files can be read, whatever else is wrong with them: whoever looks for the daemon
// that runs must find it all the more then. Only what keeps the main file from being read is an error.
func ControlOf(path string) (Control, error) {
	if _, err := readRegular(path, maxFile); err != nil {
		return Control{}, &fileError{path, err}
	}
	l := newLoader(Options{Portable: true})
	l.include(path, hcl.Range{})
	return l.buildDaemon(l.base()).Control, nil
}

type fileError struct {
	path string
	err  error
}

func (e *fileError) Error() string { return filepath.Clean(e.path) + ": " + because(e.err) }
func (e *fileError) Unwrap() error { return e.err }
