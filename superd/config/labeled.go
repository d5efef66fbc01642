package config

// labeled checks the flag LABELED. Its range is a boundary between clients, so where it cannot be had nothing is served
// rather than served without.
func (l *loader) labeled(s *spec) {
	switch at := s.at("flags"); {
	case s.sensor, s.internal:
		l.diags.errorf(at, "No program to label", `"LABELED" is about the program that is started for a client; superd answers this service itself. Leave it out.`)
	case s.has("redirect"):
		l.diags.errorf(at, "No program to label", `"LABELED" is about the program that is started for a client; this service has none, and the host it redirects to would not see the label. Leave it out.`)
	case s.SocketType != Stream:
		l.diags.errorf(at, "No connection to label", `"LABELED" takes the label of a connection, and datagrams of one socket may have many. Leave it out, or serve TCP: socket_type = "stream".`)
	case s.Wait:
		l.diags.errorf(at, "No connection to label", `With wait = true the program accepts the connections, and one process cannot have the label of each. Leave "LABELED" out, or write wait = false.`)
	case l.opt.Portable:
	default:
		if err := l.machine.selinux(); err != nil {
			l.diags.errorf(at, "No SELinux", `"LABELED" cannot be had: %s. Leave it out, or bring SELinux up first, with a policy that has ranges (MLS or MCS).`, err)
		}
	}
}
