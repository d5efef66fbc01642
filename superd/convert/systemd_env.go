package convert

import (
	"path/filepath"
	"strings"
)

// environmentFile takes the variables of a file for ExecStart alone: what else is in it may be secret, and what comes of a
// conversion may be read by everybody. Only a unit that stands where systemd reads it belongs to this machine, and so to its files.
func environmentFile(c *unitConverter, a assignment) {
	path := strings.TrimPrefix(a.value, "-")
	if len(c.folders(filepath.Dir(c.service.path))) < 2 || !filepath.IsAbs(path) {
		c.lost(a, "superd has nothing for it.")
		return
	}
	vars := c.variables(path)
	if vars == nil {
		c.lost(a, "It cannot be read here, and superd has nothing for it.")
		return
	}
	c.fromFiles = append(c.fromFiles, vars...)
	c.lost(a, "superd has nothing for it. ExecStart has its variables as they are now; write into env what the program itself reads.")
}

// variables are those of a file, NAME=VALUE each; nil if it cannot be read.
func (u *systemd) variables(path string) []string {
	if vars, ok := u.vars[path]; ok {
		return vars
	}
	if u.vars == nil {
		u.vars = make(map[string][]string)
	}
	u.vars[path] = nil
	src, _, err := u.file(u.absolute(path))
	if err != nil {
		return nil
	}
	vars := []string{}
	for _, l := range src.lines {
		name, value, ok := strings.Cut(strings.TrimSpace(l.text), "=")
		if !ok || !isVariable(name) {
			continue
		}
		if words, err := unitWords(value); err == nil {
			value = strings.Join(words, " ")
		}
		vars = append(vars, name+"="+value)
	}
	u.vars[path] = vars
	return vars
}
