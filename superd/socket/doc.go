// Package socket decides who listens where: it opens the daemon's sockets and is the only caller of bind(2)
// and listen(2). A Socket is one endpoint's whole life:
//
//	Open ─► Accept / WaitReadable / Recv, as often as wanted ─► Retire ─► the rest of the queue ─► Close
//	             │            │                   │
//	             ▼            ▼                   ▼
//	      an accepted fd   Lend … Reclaim    Connected, Forward
//	      (nowait)         (wait)            (dgram/nowait)
//
// Which endpoint has which Socket, and for how long, is the supervisor's business.
//
// A listening descriptor never leaves this package, except through Lend and Share: O_NONBLOCK belongs to the open file
// description, which a child shares, so handing it to os/exec would put the daemon's own socket into blocking mode.
//
// Beside the sockets, Ends learns from the kernel what connections have carried that are no longer superd's own.
//
// Addresses are unmapped everywhere: an IPv4 peer of a dual-stack socket is an IPv4 address. The zone of an
// IPv6 link-local address is the interface's number, as the kernel gives it.
package socket
