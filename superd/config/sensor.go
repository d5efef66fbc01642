package config

// sensor resolves a service that serves nobody and bans who comes. Its user and groups mean nothing.
func (l *loader) sensor(s *spec) {
	for _, name := range []string{"server", "server_args", "redirect"} {
		if s.has(name) {
			l.diags.errorf(s.at(name), "Server of a sensor", `A service with the flag "SENSOR" serves nobody, so it has no %s: leave out one of the two.`, name)
		}
	}
	switch {
	case s.denyTime == 0 && !s.has("deny_time"):
		l.diags.warnf(s.at("flags"), "No deny_time", "The sensor bans nobody and only logs who comes: write deny_time.")
	case s.denyTime != 0 && s.SocketType == Dgram && len(s.Access.OnlyFrom) == 0:
		l.diags.warnf(s.at("deny_time"), "No only_from", "Whoever sends a datagram can forge its sender, so a dgram sensor bans only whom its only_from names, and only logs who else comes.")
	}
	s.Sensor = &Sensor{DenyTime: s.denyTime}
	s.Builtin, s.Wait, s.Program = SensorBuiltin, false, Program{}
}
