package superd

import (
	"superd/superd/selinux"
	"superd/superd/spawn"
)

// label gives command the range of whoever is at the other end of its connection (flag LABELED), whatever program the tables
// of libwrap have put in the service's place. A command that should have one and cannot is not to be started.
func (c *conn) label(command *spawn.Command) (err error) {
	if c.set.Labeled {
		p := command.Program
		c.context, err = selinux.ExecContext(command.Fd, p.Chroot, p.Path)
		command.ExecContext = c.context
	}
	return err
}
