// Package admit decides whether a peer may in, now. It is pure: the time, the load and the peer's names are
// passed in; it does no I/O, starts no goroutine, and its memory stays bounded however many sources come.
package admit
