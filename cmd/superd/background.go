package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// background starts this command once more, without --daemon, in a session of its own, and returns when that one serves, or
// has ended: then it has said why on our standard error, and err is an exitError with its status.
//
// Nothing forks here without exec: a Go program has threads, and only one of them would come along.
func background() error {
	ready, tell, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("daemon: %w", err)
	}
	defer ready.Close()
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("daemon: %w", err)
	}
	args := slices.DeleteFunc(slices.Clone(os.Args[1:]), func(arg string) bool {
		return arg == "--daemon" || strings.HasPrefix(arg, "--daemon=")
	})
	c := exec.Command(self, append(args, "--background", "--ready-fd=3")...)
	c.Args[0] = os.Args[0]
	c.Stderr = os.Stderr
	c.ExtraFiles = []*os.File{tell}
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = c.Start()
	_ = tell.Close()
	if err != nil {
		return fmt.Errorf("daemon: %w", err)
	}
	if line, _ := io.ReadAll(io.LimitReader(ready, 1)); len(line) > 0 {
		return c.Process.Release()
	}
	var ended *exec.ExitError
	switch err := c.Wait(); {
	case errors.As(err, &ended) && ended.Exited():
		return exitError(ended.ExitCode())
	case err != nil:
		return fmt.Errorf("daemon: %w", err)
	}
	return errors.New("daemon: ended before it was ready")
}

// exitError ends a command with an exit status, when it has been said why.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// readiness is what run calls when it serves: it writes a line into the descriptor and closes it, as s6 wants it, and, in the
// background, gives up the terminal.
func readiness(fd int, background bool) (func(), error) {
	if fd < 0 && !background {
		return nil, nil
	}
	if fd >= 0 {
		if fd < 3 {
			return nil, usageError{errors.New("run: --ready-fd is 3 or more")}
		}
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil {
			return nil, usageError{fmt.Errorf("run: --ready-fd=%d: %w", fd, err)}
		}
	}
	return func() {
		if background {
			forgetTerminal()
		}
		if fd >= 0 {
			_, _ = unix.Write(fd, []byte("\n")) // nobody listens any more: so be it
			_ = unix.Close(fd)
		}
	}, nil
}

// leaveFolder goes to the root directory, so that the daemon keeps no file system busy; the paths mean what they meant.
func leaveFolder(paths ...*string) error {
	for _, path := range paths {
		if *path == "" {
			continue
		}
		abs, err := filepath.Abs(*path)
		if err != nil {
			return err
		}
		*path = abs
	}
	return os.Chdir("/")
}

// forgetTerminal makes the standard descriptors lead nowhere.
func forgetTerminal() {
	null, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return // no /dev: they stay as they are
	}
	for fd := range 3 {
		_ = unix.Dup3(null, fd, 0)
	}
	_ = unix.Close(null)
}
