// Package control is the control socket: HTTP and JSON over a unix socket, by which superd's verbs, or curl, see and steer
// a daemon that runs. superd-control(7) describes it for those who write programs of their own.
//
// schema.go has what goes over the wire. Server answers for a Daemon, which package superd is; Client asks.
// Whoever may connect (the socket's mode and group) may look; only root and the daemon's own user may change anything.
//
// Nothing here is on the path of a service's connection, and nothing a client does, or does not do, takes more than a
// bounded part of the daemon: so many connections, so many answers at once, so long for each.
package control
