// Package superd is the supervisor: it makes the running services equal the config. Start reading here.
//
// # The way of the data
//
//	superd.hcl, conf.d/*.hcl
//	   │ config.Load            parse, merge defaults, resolve, validate: a *config.Config or diagnostics   superd/config
//	   ▼
//	 diff(running, wanted)      plan {open, keep, retune, retire}; pure                                     plan.go
//	   ▼
//	 supervisor.apply           1 acquire new sockets and sinks  2 any failed? give back, change nothing    supervisor.go
//	   │                        3 swap the settings  4 rewire the sockets, retire what is left over
//	   ▼
//	 service                    its gate, and the settings that a connection is accepted under             service.go
//	 listener                   one socket, one goroutine, one mode                                         listener.go
//	   │                          stream nowait: accept                                                     listener.go
//	   │                          stream and dgram wait: the program gets the socket                        wait.go
//	   │                          dgram builtin, and dgram nowait with a socket for each peer               dgram.go
//	   │                          dgram redirection: a socket to the target for each peer                   redirect_dgram.go
//	   ▼
//	 bans, rules                banned by a sensor? what do hosts.allow and hosts.deny say?                bans.go, wrap.go
//	   ▼
//	 admit.Gate                 access → time → load → cps → instances → per_source → Verdict               superd/admit
//	   │ ok                       names that matter are looked up off the accept path                       names.go
//	   ▼
//	 a program or a builtin     fd 0, 1, 2 = the connection                                                 superd/spawn, services
//	   │                          the listener accepts while programs are on their way                      launch.go
//	   │                          a builtin that says one text needs no goroutine                           brief.go
//	   │                          or another host and port                                                 redirect.go, targets.go
//	   │                          or, through tcpmux, another service's                                    mux.go
//	   ▼
//	 exited                     the reaper, or who comes by, calls it: release the slot, log EXIT           conn.go
//	                              the kernel tells what the connection has carried                          traffic.go
//
// # Who owns what
//
// One goroutine, loop.turn in run.go, owns the supervisor: signals, retries of missing sockets, changed files and
// reloads all happen in it, one after the other. Each listener is a goroutine that owns what it has accepted until
// the connection is handed to a program, a builtin or the lingerer. What runs is counted in the gate and nowhere else;
// what has happened, in the service's tally (tally.go) and the daemon's history (history.go). Who looks at the daemon from
// another goroutine does so through the roster (roster.go), which the supervisor publishes after each change;
// the builtins metrics and status through measure.go.
// rpcbind is told of RPC services by a goroutine of its own (rpc.go), the hosts of clients are asked whose connections they
// are (userid.go), their network which label they have (label.go), and what the kernel keeps out of a wait service is counted (intercept.go).
// What the service manager gets to know is in manager.go (status), watchdog.go, store.go and inherit.go (sockets).
// The control socket's requests (operator.go) have the loop do, between what else it does, what is the loop's to do or to know
// (view.go, explain.go, dump.go); the connections that run are listed through themselves (live.go).
// A connection keeps the settings it was accepted under; a reload changes new connections only.
//
// # Rooms
//
//	superd/config   files → diagnostics → Config; the attribute table; the only importer of hcl
//	superd/socket   one socket's life; the only caller of bind and listen
//	superd/admit    may this peer in, now? pure
//	superd/libwrap  what hosts.allow and hosts.deny say about a connection
//	superd/spawn    start a program with this descriptor; the one reaper; the only one that forks
//	superd/rpcbind  tells rpcbind of RPC programs (RFC 1833)
//	superd/ident    who does a peer's host say it is? (RFC 1413)
//	superd/control  the control socket: what status, explain, plan, reload and their like talk to
//	superd/selinux  which SELinux context has a program that gets its client's range?
//	superd/event    the record of a connection and its sinks
//	superd/systemd  what superd and the service manager say to each other
//	superd/testnet  the tests' own network; the daemon does without it
//	superd/convert  files of xinetd, inetd and systemd → HCL; the daemon does without it
//	services        the builtins
//	packaging/man   the manual pages, two of them made of the tables of attributes and events
//	packaging/test  the packages, installed in booted systems
package superd
