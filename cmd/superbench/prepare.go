package main

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// prepare finds and builds whoever is asked for.
func (b *bench) prepare(superd, folder string, wanted func(string) bool) error {
	for _, c := range contenders() {
		switch {
		case !wanted(c.Name):
		case c.Name == superdName:
			if err := b.prepareSuperd(c, superd); err != nil {
				return err
			}
			b.list = append(b.list, c)
		case c.Floor != "":
			path, err := b.shop.floor(c.Floor)
			if err != nil {
				return err
			}
			if path != "" {
				c.path, c.version = path, versionOf(b.shop.gcc)
				b.list = append(b.list, c)
			}
		case c.find(folder):
			b.list = append(b.list, c)
		default:
			b.report.Missing = append(b.report.Missing, c.Name)
		}
	}
	if len(b.list) == 0 {
		return errors.New("nobody takes part")
	}
	return nil
}

// prepareSuperd takes the binary at path, or builds one if there is no path.
func (b *bench) prepareSuperd(c *contender, path string) (err error) {
	if path == "" {
		b.builtHere = true
		path, err = b.shop.superd()
	} else if path, err = filepath.Abs(path); err == nil && !executable(path) {
		err = fmt.Errorf("%s is no program", path)
	}
	if err != nil {
		return err
	}
	c.path, c.version = path, versionOf(path)
	b.noNewPrivs, err = knows(path, b.shop.dir, "no_new_privs")
	return err
}

// versionOf is the first line of what a program says about its version.
func versionOf(path string) string {
	for _, argument := range []string{"version", "--version"} {
		if out, err := exec.Command(path, argument).Output(); err == nil && len(out) > 0 {
			line, _, _ := strings.Cut(string(out), "\n")
			return line
		}
	}
	return ""
}
