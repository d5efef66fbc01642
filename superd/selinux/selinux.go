// Package selinux finds the security context that a program is to be executed in when it is to have the range (MLS, MCS)
// of its client, as a network says it that labels what it carries: by NetLabel (CIPSO, CALIPSO, static labels) or by
// labelled IPsec. It is what systemd has as SELinuxContextFromNet= and xinetd as its flag LABELED.
//
//	the client's context ─ range ─┐
//	                              ▼
//	own context ─ user:role:type:range ─┐
//	                                    ▼
//	the program file's context ──► the policy: what becomes of a process of that context that executes such a file?
//
// So the client's range decides, and the policy's transition from superd's domain to the program's; the client's user,
// role and type do not count. Whatever cannot be found out is an error: nothing is guessed and nothing left out, since a
// program without the range would be a hole in what the range is for.
//
// context.go is pure; what asks the kernel is in kernel_linux.go, by the files and the socket option that libselinux uses, too:
// that library would take cgo.
package selinux

import (
	"errors"
	"fmt"
)

// Error is why a context could not be found.
type Error struct {
	Of  string // whose: peer, superd, program, policy
	Err error
}

func (e *Error) Error() string { return fmt.Sprintf("security label of the %s: %v", e.Of, e.Err) }

func (e *Error) Unwrap() error { return e.Err }

// ErrNoLabel is the Err of an Error about a peer whose connection nothing has labelled.
var ErrNoLabel = errors.New("nothing has labelled its connection (NetLabel or IPsec would)")

// ExecContext is the context to execute the program at path in, so that it has the range of the connection's peer. fd is a
// connected stream socket, path absolute and, unless root is "", inside that folder, as for a program in a chroot(2). What links there are in
// path do not lead out of root. The error is an *Error; one that wraps EMFILE, ENFILE or ENOMEM may be over later.
//
// It is safe for concurrent use and keeps nothing: labels, files and the policy may change between two calls.
func ExecContext(fd int, root, path string) (string, error) {
	peer, err := peerContext(fd)
	if err != nil {
		return "", &Error{"peer", err}
	}
	own, err := ownContext()
	if err != nil {
		return "", &Error{"superd", err}
	}
	file, err := fileContext(root, path)
	if err != nil {
		return "", &Error{"program", err}
	}
	wearing, err := own.with(peer)
	if err != nil {
		return "", &Error{"peer", err}
	}
	became, err := transition(mountPoint, wearing, file)
	if err != nil {
		return "", &Error{"policy", fmt.Errorf("%s executing a file of %s: %w", wearing, file, err)}
	}
	return became.String(), nil
}
