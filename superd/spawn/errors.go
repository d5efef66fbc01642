package spawn

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Error is why a program could not be started.
type Error struct {
	// Step that failed: fork, or one of the child's: exec context, nice, chroot, credentials, chdir, exec, rlimit_NAME, and some that
	// only a broken system fails (see lay), as it would superd's own epoll and pidfd.
	Step string
	Name string // of the step's object: a path, a user id, a value; may be empty
	Err  error  // a syscall.Errno, or wraps one
}

func (e *Error) Error() string {
	if e.Name == "" {
		return fmt.Sprintf("%s: %v", e.Step, e.Err)
	}
	return fmt.Sprintf("%s %s: %v", e.Step, e.Name, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// Temporary reports whether Start may do better later: processes, memory or descriptors have run out.
func Temporary(err error) bool {
	for _, e := range [...]error{syscall.EAGAIN, syscall.ENOMEM, syscall.EMFILE, syscall.ENFILE} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// explain names what the step was about.
func explain(c *Command, step string, err syscall.Errno) error {
	p, e := c.Program, &Error{Step: step, Err: err}
	switch step {
	case stepExecContext:
		e.Name = c.ExecContext
	case stepNice:
		e.Name = fmt.Sprint(p.Nice)
	case stepChroot:
		e.Name = p.Chroot
	case stepCredentials:
		e.Name = fmt.Sprintf("%d:%d", p.Credential.Uid, p.Credential.Gid)
	case stepChdir:
		e.Name = filepath.Join(p.Chroot, directory(p))
	case stepExec:
		e.Name = p.Path
		if err == syscall.ENOENT && exists(filepath.Join(p.Chroot, p.Path)) {
			e.Err = fmt.Errorf("%w (its interpreter is missing)", err)
		}
		if c.ExecContext != "" {
			e.Name += " as " + c.ExecContext // the policy may not allow that
		}
	}
	return e
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
