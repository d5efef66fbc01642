package spawn

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"superd/superd/config"
)

// Error is why a program could not be started.
type Error struct {
	// Step that failed: fork, umask, nice, chroot, credentials, chdir, exec, rlimit_NAME, or one of superd's own
	// (epoll, pidfd, signal mask, trace). The kernel's answer does not name it: chroot to exec are told apart by
	// looking at the files afterwards.
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

// diagnose names the step that made ForkExec fail, in the order in which a child takes them.
func diagnose(p *config.Program, err error) error {
	dir := filepath.Join(p.Chroot, directory(p))
	switch {
	case Temporary(err):
		return &Error{"fork", "", err}
	case p.Chroot != "" && (notDirectory(p.Chroot) || err == syscall.EPERM && os.Geteuid() != 0):
		return &Error{"chroot", p.Chroot, err}
	case p.Credential != nil && (err == syscall.EPERM && !MaySwitchUsers() || err == syscall.EINVAL):
		return &Error{"credentials", fmt.Sprintf("%d:%d", p.Credential.Uid, p.Credential.Gid), err}
	case notDirectory(dir), err == syscall.EACCES && !entersDirectory(dir, p.Credential):
		return &Error{"chdir", dir, err}
	case err == syscall.ENOENT && exists(filepath.Join(p.Chroot, p.Path)):
		return &Error{"exec", p.Path, fmt.Errorf("%w (its interpreter is missing)", err)}
	default:
		return &Error{"exec", p.Path, err}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func notDirectory(path string) bool {
	info, err := os.Stat(path)
	return err != nil || !info.IsDir()
}

// entersDirectory looks at the directory's own mode bits, not at those above it.
func entersDirectory(path string, who *config.Credential) bool {
	info, err := os.Stat(path)
	if err != nil || who == nil || who.Uid == 0 {
		return err == nil
	}
	mode, owner := info.Mode(), info.Sys().(*syscall.Stat_t)
	if owner.Uid == who.Uid {
		return mode&0o100 != 0
	}
	if owner.Gid == who.Gid {
		return mode&0o010 != 0
	}
	for _, g := range who.Groups {
		if owner.Gid == g {
			return mode&0o010 != 0
		}
	}
	return mode&0o001 != 0
}
