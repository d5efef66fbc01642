package config

import (
	"os"
)

// credential looks up user and group.
func (l *loader) credential(s *spec) {
	switch {
	case !s.ok("user") || !s.ok("group"):
	case !l.opt.Privileged:
		l.ownIdentity(s)
	case s.user == "" && !s.lacks("user"):
	case s.user == "":
		l.diags.errorf(s.header(), "No user", `superd runs as root, so the service must say whom its program runs as, for example user = "nobody".`)
	default:
		s.Program.Credential = l.lookUp(s)
	}
}

// ownIdentity refuses any user and group but those that the process has.
func (l *loader) ownIdentity(s *spec) {
	if s.user != "" {
		if uid, ok := l.userID(s); ok && uid != uint32(os.Geteuid()) {
			l.diags.errorf(s.at("user"), "Needs root", "Only root can run a program as another user. Leave user out, or start superd as root.")
		}
	}
	if s.group != "" {
		if gid, ok := l.groupID(s); ok && gid != uint32(os.Getegid()) {
			l.diags.errorf(s.at("group"), "Needs root", "Only root can run a program with another group. Leave group out, or start superd as root.")
		}
	}
}

// lookUp finds the numbers of user, group and groups, or nil if one of them is not known.
func (l *loader) lookUp(s *spec) *Credential {
	uid, ok := l.userID(s)
	if !ok {
		return nil
	}
	c := &Credential{Uid: uid}
	u, err := l.machine.user(s.user)
	switch {
	case s.group != "":
		if c.Gid, ok = l.groupID(s); !ok {
			return nil
		}
	case err != nil:
		l.diags.errorf(s.at("user"), "No group", "There is no user with the number %s, so its group is not known either: write group.", s.user)
		return nil
	default:
		if c.Gid, err = parseID(u.Gid); err != nil {
			l.diags.errorf(s.at("user"), "Bad group", "The group %q of user %q is not a number.", u.Gid, s.user)
			return nil
		}
	}
	if !s.groups {
		return c
	}
	if u == nil || err != nil {
		l.diags.errorf(s.at("groups"), "No groups", "There is no user with the number %s, so it has no groups: write groups = false.", s.user)
		return nil
	}
	if c.Groups, err = l.machine.memberships(u); err != nil {
		l.diags.errorf(s.at("groups"), "No groups", "The groups of %q cannot be found: %s.", s.user, err)
		return nil
	}
	return c
}

// userID is the number of s.user, which need not stand in the user database if it is written as one.
func (l *loader) userID(s *spec) (uint32, bool) {
	u, err := l.machine.user(s.user)
	text := s.user
	switch {
	case err == nil:
		text = u.Uid
	case !isNumber(s.user):
		l.diags.errorf(s.at("user"), "Unknown user", "There is no user %q on this machine.", s.user)
		return 0, false
	}
	id, err := parseID(text)
	if err != nil {
		l.diags.errorf(s.at("user"), "Bad user", "The number %q is none of a user.", text)
	}
	return id, err == nil
}

func (l *loader) groupID(s *spec) (uint32, bool) {
	id, err := l.machine.group(s.group)
	if err != nil {
		l.diags.errorf(s.at("group"), "Unknown group", "There is no group %q on this machine.", s.group)
	}
	return id, err == nil
}
