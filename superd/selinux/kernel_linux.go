package selinux

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// mountPoint is where selinuxfs is.
const mountPoint = "/sys/fs/selinux"

// Ready says why ExecContext cannot work on this machine: the kernel runs without SELinux, selinuxfs is not mounted or is
// out of reach, no policy is loaded, or the policy has no ranges. nil: it can.
func Ready() error {
	kinds, _ := os.ReadFile("/proc/filesystems")
	return ready(mountPoint, kinds)
}

func ready(fs string, kinds []byte) error {
	var s unix.Statfs_t
	err := unix.Statfs(fs, &s)
	mounted := err == nil && uint32(s.Type) == unix.SELINUX_MAGIC
	switch {
	case !mounted && !bytes.Contains(kinds, []byte("\tselinuxfs\n")):
		return errors.New("the kernel runs without SELinux")
	case !mounted:
		return fmt.Errorf("selinuxfs is not mounted on %s", fs)
	case s.Flags&unix.ST_RDONLY != 0:
		return fmt.Errorf("%s is mounted read-only, as containers have it", fs)
	}
	return loaded(fs)
}

// loaded says why the policy is none to ask.
func loaded(fs string) error {
	switch _, err := processClass(fs); {
	case errors.Is(err, os.ErrNotExist):
		return errors.New("no SELinux policy is loaded")
	case err != nil:
		return err
	}
	ranges, err := read(filepath.Join(fs, "mls"))
	if err != nil {
		return err
	}
	if string(ranges) != "1" {
		return errors.New("the SELinux policy has no ranges (MLS or MCS)")
	}
	return nil
}

func peerContext(fd int) (context, error) {
	text, err := unix.GetsockoptString(fd, unix.SOL_SOCKET, unix.SO_PEERSEC)
	switch {
	case err == unix.ENOPROTOOPT:
		return context{}, ErrNoLabel
	case err != nil:
		return context{}, os.NewSyscallError("getsockopt", err)
	}
	return parse([]byte(text))
}

func ownContext() (context, error) {
	text, err := read("/proc/thread-self/attr/current")
	if err != nil {
		return context{}, err
	}
	return parse(text)
}

// fileContext is that of the file that execve(2) of path finds in a process whose root is root.
func fileContext(root, path string) (context, error) {
	if root != "" {
		fd, err := findIn(root, path)
		if err != nil {
			return context{}, err
		}
		defer unix.Close(fd)
		path = fmt.Sprintf("/proc/self/fd/%d", fd) // fgetxattr(2) does not take a descriptor of O_PATH
	}
	for size := 256; ; size = longest + 1 {
		text := make([]byte, size)
		n, err := unix.Getxattr(path, "security.selinux", text)
		if err == unix.ERANGE && size <= longest {
			continue
		}
		if err != nil {
			return context{}, &os.PathError{Op: "getxattr", Path: path, Err: err}
		}
		return parse(text[:n])
	}
}

// findIn opens the file without any right to it.
func findIn(root, path string) (fd int, err error) {
	dir, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: root, Err: err}
	}
	defer unix.Close(dir)
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT}
	for {
		fd, err = unix.Openat2(dir, path, &how)
		if err != unix.EAGAIN && err != unix.EINTR { // EAGAIN: something on the way was renamed meanwhile
			break
		}
	}
	if err != nil {
		return -1, &os.PathError{Op: "openat2", Path: filepath.Join(root, path), Err: err}
	}
	return fd, nil
}

// transition asks the policy what becomes of a process that executes a file.
func transition(fs string, process, file context) (context, error) {
	class, err := processClass(fs)
	if err != nil {
		return context{}, err
	}
	query := fmt.Sprintf("%s %s %d", process, file, class)
	if len(query) > longest {
		return context{}, errContext
	}
	// One transaction for each open file: the question is written, the answer read.
	f, err := os.OpenFile(filepath.Join(fs, "create"), os.O_RDWR, 0)
	if err != nil {
		return context{}, err
	}
	defer f.Close()
	if _, err := f.WriteString(query); err != nil {
		return context{}, err
	}
	text := make([]byte, longest+1)
	n, err := f.Read(text)
	if err != nil {
		return context{}, err
	}
	return parse(text[:n])
}

// processClass is the number that the policy has for the class process.
func processClass(fs string) (uint16, error) {
	text, err := read(filepath.Join(fs, "class/process/index"))
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 16)
	if err != nil {
		return 0, fmt.Errorf("class process: %w", err)
	}
	return uint16(n), nil
}

// read is os.ReadFile of one of the kernel's small files.
func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, longest+2))
	if err == nil && len(text) > longest+1 {
		err = &os.PathError{Op: "read", Path: path, Err: unix.EFBIG}
	}
	return text, err
}
