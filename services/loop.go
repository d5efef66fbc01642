package services

// LoopPort reports whether a datagram from this source port must never be answered: whoever listens there
// answers anything, an answer included, so that one datagram with a forged source would keep two machines
// talking to each other for good (CVE-1999-0103, CVE-2024-2169). The ports of the builtins are among them.
// Port 0 cannot be answered at all.
func LoopPort(port uint16) bool {
	switch port {
	case 0,
		7,   // echo
		9,   // discard
		11,  // active users (systat)
		13,  // daytime
		17,  // quote of the day
		19,  // chargen
		37,  // time
		53,  // dns
		69,  // tftp
		123: // ntp
		return true
	}
	return false
}
