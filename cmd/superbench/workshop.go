package main

import (
	"embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed c
var sources embed.FS

// workshop is the folder of a run, and what has been built in it.
type workshop struct {
	dir      string
	gcc      string   // "": there is none
	Program  []string // the tiny program: it says hello and ends
	Stay     []string // it says hello and ends when its input does
	Datagram []string // it answers one datagram; nil without gcc
	Shell    []string // a script for /bin/sh
	Notes    []string // what could not be had
}

// newWorkshop makes a folder and builds the tiny program. The caller closes it.
func newWorkshop() (*workshop, error) {
	dir, err := os.MkdirTemp("", "superbench-")
	if err != nil {
		return nil, err
	}
	w := &workshop{dir: dir}
	if err := w.build(); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// Close removes the folder.
func (w *workshop) Close() error { return os.RemoveAll(w.dir) }

func (w *workshop) file(name string) string { return filepath.Join(w.dir, name) }

func (w *workshop) build() error {
	if err := os.Chmod(w.dir, 0o755); err != nil { // the programs run as anybody
		return err
	}
	if err := os.CopyFS(w.dir, sources); err != nil {
		return err
	}
	script := w.file("hello.sh")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho hello\n"), 0o755); err != nil {
		return err
	}
	if err := os.Chmod(script, 0o755); err != nil { // whatever the umask
		return err
	}
	w.Shell = []string{script}
	var err error
	if w.gcc, err = exec.LookPath("gcc"); err != nil {
		w.Notes = append(w.Notes, "no gcc: no floors in C, and the program that is started is /bin/echo, with libc")
		w.Program, w.Stay = []string{"/bin/echo", "hello"}, []string{"/bin/sh", "-c", "echo hello; read line"}
		return nil
	}
	tiny := w.file("program")
	if err := w.cc("program", "-Os", "-static", "-nostdlib", "-fno-builtin", "-fno-stack-protector", "-fno-asynchronous-unwind-tables"); err != nil {
		return err
	}
	w.Program, w.Stay, w.Datagram = []string{tiny}, []string{tiny, "stay"}, []string{tiny, "dgram"}
	return nil
}

func (w *workshop) cc(name string, flags ...string) error {
	args := append(flags, "-o", w.file(name), filepath.Join(w.dir, "c", name+".c"))
	if out, err := exec.Command(w.gcc, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", w.gcc, strings.Join(args, " "), err, out)
	}
	return nil
}

// floor builds one of the programs in C; "" without gcc.
func (w *workshop) floor(name string) (string, error) {
	path := w.file(name)
	if w.gcc == "" || executable(path) {
		return map[bool]string{true: path}[w.gcc != ""], nil
	}
	return path, w.cc(name, "-O2", "-pthread")
}

// superd builds superd from the module that the working folder belongs to.
func (w *workshop) superd() (string, error) {
	path := w.file("superd")
	if out, err := exec.Command("go", "build", "-trimpath", "-o", path, "superd/cmd/superd").CombinedOutput(); err != nil {
		return "", fmt.Errorf("cannot build superd (run superbench in its source, or name a binary with --superd): %w\n%s", err, out)
	}
	return path, nil
}
