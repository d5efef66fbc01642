package admit

// Verdict is the outcome of a connection at the gate, or the reason why it did not get further.
// Its String is the stable word of logs, status and metrics.
type Verdict uint8

const (
	OK          Verdict = iota
	Address             // only_from or no_access
	Libwrap             // hosts.allow or hosts.deny
	Sensor              // banned since a sensor caught it
	Time                // outside access_times
	Load                // max_load reached
	CPS                 // no token left
	Hold                // its source is held off since an earlier CPS
	Instances           // the service is full
	PerSource           // its source has enough
	Lookup              // its names are needed and could not be found out
	Fork                // admitted, but the program could not be started
	Descriptors         // admitted, but there was no descriptor left
	Target              // admitted, but where it is redirected to could not be reached
	Ident               // admitted, but its ident server does not say whose it is

	// Verdicts is their number: the size of a table of counters. Libwrap, Sensor, Lookup, Fork, Descriptors, Target and Ident
	// are never the gate's: they are words for what happens beside it.
	Verdicts
)

func (v Verdict) String() string {
	return [Verdicts]string{
		"ok", "address", "libwrap", "sensor", "time", "load", "cps", "hold", "instances", "per_source",
		"lookup", "fork", "descriptors", "target", "ident",
	}[v]
}
