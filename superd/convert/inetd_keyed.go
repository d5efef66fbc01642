package convert

import (
	"fmt"
	"slices"
	"strings"
)

// keyed converts one of NetBSD's entries of key = value.
func (n *inetd) keyed(e *inetdEntry) *block {
	s := n.begin(e)
	if e.bad != "" {
		s.off("inetd cannot read this entry: %s.", e.bad)
	}
	if !e.on {
		s.b.set("disable", "true", e.at)
	}
	values := make(map[string][]string)
	for _, kv := range e.keys {
		if !slices.Contains(netbsdKeys, kv.key) {
			s.draft.both(s.b, kv.origin, "superd has nothing for %s = %s, which is left out.", kv.key, strings.Join(kv.values, " "))
			continue
		}
		if _, twice := values[kv.key]; twice {
			s.off("%s is set twice, and inetd leaves the entry out.", kv.key)
		}
		values[kv.key] = kv.values
	}
	one := func(key string) string { return strings.Join(values[key], " ") }
	proto := one("protocol")
	kind := one("socktype")
	if kind == "" {
		kind = map[bool]string{true: "dgram", false: "stream"}[strings.Contains(proto, "udp")]
	}
	field := e.fields[0]
	if bind := one("bind"); bind != "" {
		_, name := splitHost(field)
		field = "[" + bind + "]:" + name
	}
	e.fields = []string{field, kind, proto}
	mux := s.service(field, strings.ToLower(proto))
	s.socket(strings.ToLower(kind), strings.ToLower(proto), mux)
	s.keyedRest(values, one)
	return s.b
}

var netbsdKeys = []string{"bind", "socktype", "protocol", "wait", "service_max", "accept_max", "user", "group", "exec", "args"}

func (s *inetdService) keyedRest(values map[string][]string, one func(string) string) {
	wait, ok := yesNo(one("wait"))
	if ok {
		s.put("wait", fmt.Sprint(wait))
	}
	if n := one("accept_max"); n != "" {
		s.put("instances", plain(n))
	}
	if n := one("service_max"); n != "" {
		s.perMinute(n)
	}
	if user := one("user"); user != "" {
		s.user(user)
	}
	if group := one("group"); group != "" {
		s.put("group", account(group))
	}
	exec := one("exec") // NetBSD's inetd asks hosts.allow and hosts.deny itself
	if exec == "" || exec == "internal" {
		s.internal(nil)
		return
	}
	for _, name := range []string{"wait", "user"} {
		if s.b.get(name) == nil {
			s.off("%s is missing, and inetd leaves the entry out.", name)
		}
	}
	s.server(exec, values["args"])
}
