// Package admit decides whether a peer may in, now. It is pure: the time, the load and the peer's names are
// passed in; it does no I/O, starts no goroutine, and its memory stays bounded however many sources come.
//
// A service has one Gate, shared by all its accept loops. A loop goes round like this:
//
//	Ready    may I accept?               no: wait as told, ask again
//	accept
//	Admit    may this peer in, now?      OK: start it, Release when it is over
//	                                     Policy Queue: keep the connection, wait as told, ask again
//	                                     otherwise: refuse or reset it, log the Verdict
//
// Ready is advice and Admit decides. A loop may sit in accept while another loop of the same service takes
// the last instance or the last token; what it then accepts is told to wait, as it would have in the
// backlog. So queueing neither refuses anybody nor goes over a limit, at the price of at most one
// accepted connection waiting in each loop.
//
// Checks run in a fixed order (access, time, load, cps, instances, per_source) and what is refused is
// never charged: a token is taken and a place counted only when all of them agree.
package admit
