package admit

// Doc says in one line, without its full stop, what the verdict means, for superd-events(7).
func (v Verdict) Doc() string {
	return [Verdicts]string{
		OK:          "Admitted; an EXIT has it and no REFUSE",
		Address:     "By only_from or no_access, or by neither naming the client",
		Libwrap:     "By hosts.allow or hosts.deny; detail names the rule",
		Sensor:      "Its source is banned since a sensor caught it, which detail names; or it has come to a sensor just now",
		Time:        "Outside access_times",
		Load:        "The machine's load average has reached max_load",
		CPS:         "More connections a second than cps allows",
		Hold:        "The client's source exceeded cps a moment ago and is held off",
		Instances:   "As many connections of the service as instances allows",
		PerSource:   "As many connections of the client's source as per_source allows",
		Lookup:      "The client's host name decides, and could not be found out",
		Fork:        "Admitted, but the program could not be started; detail says why",
		Descriptors: "Admitted, but there was no descriptor left",
		Ident:       "Admitted, but by the flag IDONLY the client's host must say whose connection it is, and does not; detail says why",
		Target:      "Admitted, but the target of redirect could not be reached; detail says why",
	}[v]
}
