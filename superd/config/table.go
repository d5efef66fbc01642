package config

import (
	"slices"
	"time"
)

const (
	everywhere = InDefaults | InService
	logged     = InDefaults | InService | InDaemon
)

// What Attribute.Xinetd says of most.
const (
	sameAsXinetd = "No difference"
	notInXinetd  = "Not in xinetd"
)

// Attributes is the attribute table, in the order of a manual page.
var Attributes = []Attribute{
	// files
	{Name: "include", Where: InFile, Kind: placed(func(s *spec) *[]word { return &s.include }),
		Doc:     "Files to read as well, by name or pattern, relative to the folder of this file; each file is read once, in the order of the names",
		Xinetd:  "One file there; a list of names and patterns here, which are relative to this file and not to the working directory, and take includedir's place",
		Example: `["conf.d/*.hcl"]`},

	// the daemon
	{Name: "watch", Where: InDaemon, Default: `false`, Kind: boolean(func(s *spec) *bool { return &s.watch }),
		Doc:     "Apply changed files as soon as they are saved, without a reload; with false superd only logs what a reload would do",
		Xinetd:  notInXinetd,
		Example: `true`},
	{Name: "drain", Where: InDaemon, Default: `0`, Kind: duration(func(s *spec) *time.Duration { return &s.drain }),
		Doc:     "When the daemon stops it accepts nobody more, and leaves connections this long to end by themselves before grace begins",
		Xinetd:  notInXinetd,
		Example: `"25s"`},
	{Name: "state", Where: InDaemon, Kind: stateDir(),
		Doc:     "The folder of what is to outlive the daemon, such as the bans of sensors, or \"none\"; without it STATE_DIRECTORY of the environment, or /var/lib/superd if superd is root",
		Xinetd:  notInXinetd,
		Example: `"/var/lib/superd"`},
	{Name: "hosts_access", Where: InDaemon, Default: `"/etc"`, Kind: path(false, func(s *spec) *string { return &s.hostsAccess }),
		Doc:     "The folder of hosts.allow and hosts.deny, which all services ask that do not have the flag NOLIBWRAP; files that change are read anew",
		Xinetd:  "The folder is always /etc",
		Example: `"/etc/superd"`},

	{Name: "control", Where: InDaemon, Kind: controlPath(),
		Doc:     "The control socket, an absolute path, or \"none\"; without it /run/superd/control.sock, or what RUNTIME_DIRECTORY says, and for an ordinary user superd/control.sock in XDG_RUNTIME_DIR if the first cannot be had",
		Xinetd:  notInXinetd,
		Example: `"/run/superd/control.sock"`},
	{Name: "control_mode", Where: InDaemon, Default: `"0660"`, Kind: controlMode(),
		Doc:     "The control socket's permissions, octal and in quotes; who may write may look, and only root and the daemon's own user may change anything",
		Xinetd:  notInXinetd,
		Example: `"0600"`},
	{Name: "control_group", Where: InDaemon, Kind: account(func(s *spec) *string { return &s.controlGroup }),
		Doc:     "The control socket's group, by name or number; without it the daemon's own",
		Xinetd:  notInXinetd,
		Example: `"adm"`},

	// what the service is
	{Name: "id", Where: InService, Kind: identity(),
		Doc:     "The service's own name in logs, limits and reloads; two blocks of one NAME need different ids; the default is NAME",
		Xinetd:  sameAsXinetd,
		Example: `"echo-dgram"`},
	{Name: "disable", Where: InService, Default: `false`, Kind: boolean(func(s *spec) *bool { return &s.disable }),
		Doc:     "Switch the service off; what needs the machine (users, programs, ports) is then not checked",
		Xinetd:  "A disabled service is read and checked as far as it can be; there the rest of the entry is skipped",
		Example: `true`},
	{Name: "enabled", Where: InDefaults, Kind: placed(func(s *spec) *[]word { return &s.enabled }),
		Doc:     "Only the services with these ids are on; a service with disable = true stays off",
		Xinetd:  sameAsXinetd,
		Example: `["ftp", "daytime-stream"]`},
	{Name: "disabled", Where: InDefaults, Kind: placed(func(s *spec) *[]word { return &s.disabled }),
		Doc:     "The services with these ids are off, whatever enabled says",
		Xinetd:  sameAsXinetd,
		Example: `["chargen-dgram"]`},
	{Name: "type", Where: InService, Kind: oneOrMore(set([]string{"INTERNAL", "UNLISTED", "TCPMUX", "TCPMUXPLUS", "RPC"}, laterTypes, setType)),
		Doc:     "INTERNAL: superd answers itself, by the builtin called NAME; UNLISTED: NAME is not in /etc/services, so port must be given; TCPMUX, TCPMUXPLUS: reached by NAME through the builtin tcpmux on port 1, where TCPMUXPLUS has superd say +Go; RPC: registered with rpcbind, on a port that the kernel chooses unless port is given",
		Xinetd:  "RPC services may have a port, are registered over the local socket for IPv6 too, and again when rpcbind comes late or is restarted; TCPMUX services need no UNLISTED, may be builtins and redirections, and are under all their own limits, not tcpmux's",
		Example: `"INTERNAL"`},
	{Name: "flags", Where: InService, Kind: set([]string{"REUSE", "NODELAY", "KEEPALIVE", "IPv4", "IPv6", "NAMEINARGS", "NORETRY", "NOLIBWRAP", "SENSOR", "IDONLY", "INTERCEPT", "LABELED"}, nil, setFlags),
		Doc:     "REUSE, NODELAY, KEEPALIVE: socket options; IPv4: IPv4 only; IPv6: an IPv6 socket, which without v6only takes IPv4 clients too; NAMEINARGS: server_args begins with the program's own name; NORETRY: a failed start is not tried again; NOLIBWRAP: hosts.allow and hosts.deny are not asked; SENSOR: nobody is served, and who comes is banned from all services for deny_time; IDONLY: only clients are served whose own host says by RFC 1413 who they are, which the program finds in TCPREMOTEINFO; INTERCEPT: with wait = true, only_from and no_access hold for every packet, as a filter in the kernel that knows addresses and no names, and what it keeps out gets no answer; LABELED: for a stream program with wait = false on a machine with SELinux, the program runs with the range (MLS, MCS) that the client's network label has, and a client without a label is refused",
		Xinetd:  "IDONLY needs no USERID, and does not wait for ever; INTERCEPT puts no process in between, so that the program sees its true peers, and limits other than only_from and no_access hold when the program is started; LABELED on a machine without SELinux fails the load, where xinetd turns each client away, and the file whose label counts is server, where xinetd takes the one that argv[0] names; SENSOR needs no INTERNAL, and catches nobody whom the lists of its own service keep out; NAMEINARGS may stand after server_args; REUSE says something for datagrams only, since listeners always reuse their address there too",
		Example: `["IPv4", "NODELAY"]`},

	// where it listens
	{Name: "socket_type", Where: InService, Kind: choice([]string{"stream", "dgram"}, laterSockets, func(s *spec, w string) { s.socketType = w }),
		Doc:     "stream for TCP, dgram for UDP; without it protocol decides",
		Xinetd:  "raw and seqpacket are not there, since superd serves TCP and UDP",
		Example: `"stream"`},
	{Name: "protocol", Where: InService, Kind: choice([]string{"tcp", "udp"}, laterProtocols, func(s *spec, w string) { s.protocol = w }),
		Doc:     "tcp or udp; without it socket_type decides",
		Xinetd:  "Needed for no service, since socket_type says it",
		Example: `"tcp"`},
	{Name: "wait", Where: InService, Kind: boolean(func(s *spec) *bool { return &s.Wait }),
		Doc:     "false: a program for each connection, which is its standard input and output; true: one program at a time takes the listening socket itself; a builtin does without",
		Xinetd:  "A dgram service may have false: each peer gets a program of its own. A service refused once is watched again, and datagrams that wait are not thrown away when the program leaves",
		Example: `false`},
	{Name: "port", Where: InService, Kind: portKind(),
		Doc:     "A number, a name of /etc/services, or a range of at most 1024 ports; without it NAME is looked up in /etc/services",
		Xinetd:  "Ranges and names; there a number that has to be that of /etc/services",
		Example: `"7000-7009"`},
	{Name: "rpc_version", Where: InService, Kind: rpcVersion(),
		Doc:     "With type RPC: the versions that the program speaks, one or a range",
		Xinetd:  sameAsXinetd,
		Example: `"2-3"`},
	{Name: "rpc_number", Where: InService, Kind: rpcNumber(),
		Doc:     "With type RPC: the program's number; without it NAME is looked up in /etc/rpc",
		Xinetd:  "May be given for a name of /etc/rpc too",
		Example: `100300`},
	{Name: "bind", Where: everywhere, Kind: oneOrMore(bindKind()),
		Doc:     "Addresses or interfaces to listen on; without it all of them, IPv6 and IPv4 on one socket",
		Xinetd:  "A list; names of interfaces as well, but no host names; interface is no second name for it",
		Example: `["127.0.0.1", "::1"]`},
	{Name: "v6only", Where: everywhere, Default: `false`, Kind: boolean(func(s *spec) *bool { return &s.v6only }),
		Doc:     "The IPv6 wildcard address does not take IPv4 connections",
		Xinetd:  "false is false; there the word alone switches it on",
		Example: `true`},
	{Name: "backlog", Where: everywhere, Default: `0`, Kind: integer(0, 65535, func(s *spec) *int { return &s.Socket.Backlog }),
		Doc:     "Connections that the kernel keeps waiting; 0 is its maximum, net.core.somaxconn",
		Xinetd:  notInXinetd,
		Example: `128`},

	// what it runs
	{Name: "server", Where: InService, Kind: path(true, func(s *spec) *string { return &s.server }),
		Doc:     "The program: an absolute path, or one that begins with ./ and is taken from the folder of the file it stands in; with chroot a path inside it",
		Xinetd:  "May be relative to the file; one that is not there is an error at load time, and the running configuration stays",
		Example: `"/usr/sbin/vsftpd"`},
	{Name: "server_args", Where: InService, Kind: list(nil, func(s *spec) *[]string { return &s.serverArgs }),
		Doc:     "The program's arguments, one string each; no shell reads them",
		Xinetd:  "Strings with spaces are possible",
		Example: `["/etc/vsftpd.conf"]`},
	{Name: "redirect", Where: InService, Kind: redirect(),
		Doc:     "Instead of a program: each client is connected to this host and port, and what either side says is carried to the other; a host name is looked up again when its addresses may have changed",
		Xinetd:  "No process for each connection; a side that ends its half still gets the other's; the name is not looked up once and for ever, and IPv4 leads to IPv6 and back",
		Example: `["192.0.2.7", 8080]`},
	{Name: "connect_timeout", Where: everywhere, Default: `"10s"`, Kind: duration(func(s *spec) *time.Duration { return &s.connectTimeout }),
		Doc:     "How long it may take to reach the target of redirect, looking up its name included; 0 is as long as the system tries",
		Xinetd:  notInXinetd,
		Example: `"3s"`},
	{Name: "max_idle", Where: everywhere, Default: `0`, Kind: duration(func(s *spec) *time.Duration { return &s.maxIdle }),
		Doc:     "How long both sides of a redirect may be silent before the connection is ended; 0 for ever, with dgram one minute",
		Xinetd:  notInXinetd,
		Example: `"15m"`},
	{Name: "user", Where: InService, Kind: account(func(s *spec) *string { return &s.user }),
		Doc:     "Whom the program runs as, by name or number; a superd that runs as root requires it, any other allows only its own user",
		Xinetd:  "A number takes its group from the user database; there the group has the user's number",
		Example: `"nobody"`},
	{Name: "group", Where: InService, Kind: account(func(s *spec) *string { return &s.group }),
		Doc:     "The program's group, by name or number; the default is the group of user in the user database",
		Xinetd:  sameAsXinetd,
		Example: `"nogroup"`},
	{Name: "groups", Where: everywhere, Default: `false`, Kind: boolean(func(s *spec) *bool { return &s.groups }),
		Doc:     "The program also has the supplementary groups of user; with false it has none",
		Xinetd:  sameAsXinetd,
		Example: `true`},
	{Name: "env", Where: everywhere, Kind: list(checkVariable, func(s *spec) *[]string { return &s.env }),
		Doc:     "Environment variables for the program, NAME=value",
		Xinetd:  "May stand in defaults",
		Example: `["TMPDIR=/var/tmp"]`},
	{Name: "passenv", Where: everywhere, Default: `["PATH", "LANG", "TZ"]`, Kind: list(checkVariableName, func(s *spec) *[]string { return &s.passenv }),
		Doc:     "Variables of superd's own environment that the program gets as well; PATH has a safe value if superd has none",
		Xinetd:  "PATH, LANG and TZ unless something else is said; there all of the daemon's environment",
		Example: `["PATH", "LANG"]`},
	{Name: "directory", Where: InService, Default: `"/"`, Kind: path(false, func(s *spec) *string { return &s.Program.Dir }),
		Doc:     "The program's working directory, inside chroot",
		Xinetd:  notInXinetd,
		Example: `"/srv/ftp"`},
	{Name: "chroot", Where: InService, Kind: path(false, func(s *spec) *string { return &s.Program.Chroot }),
		Doc:     "The program's root directory; needs root",
		Xinetd:  notInXinetd,
		Example: `"/srv/jail"`},
	{Name: "umask", Where: everywhere, Default: `"022"`, Kind: umask(),
		Doc:     "The program's file mode creation mask, octal and in quotes",
		Xinetd:  "The daemon's own umask has no part in it",
		Example: `"002"`},
	{Name: "nice", Where: everywhere, Default: `0`, Kind: integer(-40, 40, func(s *spec) *int { return &s.Program.Nice }),
		Doc:     "Added to superd's own nice value; below 0 needs root",
		Xinetd:  "Set before the program becomes user, so that a negative value works for everybody's program",
		Example: `10`},
	{Name: "rlimit_as", Where: everywhere, Kind: rlimit(0, false),
		Doc:     "Address space of the program, in bytes or with K, M or G; each rlimit sets the soft and the hard limit",
		Xinetd:  sameAsXinetd,
		Example: `"512M"`},
	{Name: "rlimit_cpu", Where: everywhere, Kind: rlimit(1, true),
		Doc:     "CPU time of the program, in seconds",
		Xinetd:  sameAsXinetd,
		Example: `60`},
	{Name: "rlimit_data", Where: everywhere, Kind: rlimit(2, false),
		Doc:     "Data segment of the program",
		Xinetd:  sameAsXinetd,
		Example: `"256M"`},
	{Name: "rlimit_files", Where: everywhere, Kind: rlimit(3, false),
		Doc:     "Descriptors that the program may have open",
		Xinetd:  "Without it the program has superd's own first limits; there the soft limit is raised to the hard one",
		Example: `64`},
	{Name: "rlimit_rss", Where: everywhere, Kind: rlimit(4, false),
		Doc:     "Resident memory of the program; accepted for xinetd's sake, Linux does not enforce it",
		Xinetd:  sameAsXinetd,
		Example: `"128M"`},
	{Name: "rlimit_stack", Where: everywhere, Kind: rlimit(5, false),
		Doc:     "Stack of the program",
		Xinetd:  sameAsXinetd,
		Example: `"8M"`},
	{Name: "rlimit_core", Where: everywhere, Kind: rlimit(6, false),
		Doc:     "Core dump of the program; 0 for none",
		Xinetd:  notInXinetd,
		Example: `0`},
	{Name: "rlimit_fsize", Where: everywhere, Kind: rlimit(7, false),
		Doc:     "Files that the program writes",
		Xinetd:  notInXinetd,
		Example: `"10M"`},
	{Name: "rlimit_nproc", Where: everywhere, Kind: rlimit(8, false),
		Doc:     "Processes of the user that the program runs as, all of them counted together; it does not bind root",
		Xinetd:  notInXinetd,
		Example: `50`},
	{Name: "no_new_privs", Where: everywhere, Default: `false`, Kind: boolean(func(s *spec) *bool { return &s.Program.NoNewPrivs }),
		Doc:     "The program, and whatever it starts, gains no privilege by exec: set-user-ID bits and file capabilities count for nothing (prctl(2))",
		Xinetd:  notInXinetd,
		Example: `true`},
	{Name: "max_lifetime", Where: everywhere, Default: `0`, Kind: duration(func(s *spec) *time.Duration { return &s.MaxLifetime }),
		Doc:     "How long a connection may last before its program gets TERM, and KILL after grace; 0 for ever",
		Xinetd:  notInXinetd,
		Example: `"1h"`},
	{Name: "grace", Where: logged, Default: `"10s"`, Kind: duration(func(s *spec) *time.Duration { return &s.Grace }),
		Doc:     "The time between TERM and KILL: in service after max_lifetime, in superd when the daemon stops",
		Xinetd:  notInXinetd,
		Example: `"30s"`},

	// what a client reads
	{Name: "banner", Where: everywhere, Kind: path(true, func(s *spec) *string { return &s.banner[0] }),
		Doc:     "A file (at most 16 KiB, read at load) that every client gets first",
		Xinetd:  "Read once, at load, and written without ever making another client wait",
		Example: `"/etc/superd/banner"`},
	{Name: "banner_success", Where: everywhere, Kind: path(true, func(s *spec) *string { return &s.banner[1] }),
		Doc:     "A file that a client gets who is let in",
		Xinetd:  "Read once, at load",
		Example: `"/etc/superd/welcome"`},
	{Name: "banner_fail", Where: everywhere, Kind: path(true, func(s *spec) *string { return &s.banner[2] }),
		Doc:     "A file that a client gets who is refused",
		Xinetd:  "Read once, at load; it arrives even at a client that has already sent something",
		Example: `"/etc/superd/sorry"`},

	// how many
	{Name: "instances", Where: everywhere, Default: `"UNLIMITED"`, Kind: limit(func(s *spec) *int { return &s.Limits.Instances }),
		Doc:     "Connections that may be served at once; 0 refuses all",
		Xinetd:  "At the limit, see on_instances; the count survives cps and reloads",
		Example: `50`},
	{Name: "per_source", Where: everywhere, Default: `"UNLIMITED"`, Kind: limit(func(s *spec) *int { return &s.Limits.PerSource }),
		Doc:     "Connections of one source that may be served at once",
		Xinetd:  "A source is an IPv6 /64 (see per_source_prefix); there it is a single address",
		Example: `10`},
	{Name: "per_source_prefix", Where: everywhere, Default: `[32, 64]`, Kind: pair("list of two numbers", setSourcePrefix),
		Doc:     "How many bits of an IPv4 and of an IPv6 address make a source",
		Xinetd:  notInXinetd,
		Example: `[24, 56]`},
	{Name: "cps", Where: everywhere, Default: `[50, 10]`, Kind: pair("list of a number and a duration", setCPS),
		Doc:     "New connections a second, with a burst of as many, and how long on_cps holds or pauses; a rate of 0 is no limit",
		Xinetd:  "A rate by a token bucket, and who exceeds it is held off; there an average over as many seconds, and the whole service is closed to everybody. See on_cps",
		Example: `[25, "30s"]`},
	{Name: "max_load", Where: everywhere, Default: `0`, Kind: loadAverage(func(s *spec) *float64 { return &s.Limits.MaxLoad }),
		Doc:     "Refuse while the machine's one-minute load average is this or more; 0 is no limit",
		Xinetd:  sameAsXinetd,
		Example: `3.5`},
	{Name: "on_instances", Where: everywhere, Default: `"refuse"`, Kind: policy(func(s *spec) *Policy { return &s.Limits.OnInstances }, Refuse, Reset, Queue),
		Doc:     "At the limit of instances: refuse with banner_fail, reset the connection, or queue it in the kernel until there is room",
		Xinetd:  notInXinetd,
		Example: `"queue"`},
	{Name: "on_per_source", Where: everywhere, Default: `"refuse"`, Kind: policy(func(s *spec) *Policy { return &s.Limits.OnPerSource }, Refuse, Reset),
		Doc:     "At the limit of per_source: refuse with banner_fail, or reset the connection",
		Xinetd:  notInXinetd,
		Example: `"reset"`},
	{Name: "on_cps", Where: everywhere, Default: `"hold"`, Kind: policy(func(s *spec) *Policy { return &s.Limits.OnCPS }, Hold, Pause, Refuse, Reset, Queue),
		Doc:     "Beyond cps: hold off that one source, pause the whole service as xinetd does, or refuse, reset or queue the connection in excess",
		Xinetd:  "pause is xinetd's way, but the socket stays open and clients wait in its backlog",
		Example: `"pause"`},

	// who and when
	{Name: "only_from", Where: everywhere, Kind: rules(func(s *spec, r []Rule, l ruleLines) {
		s.Access.OnlyFrom, s.Access.onlyFromLines, s.Access.Restricted = r, l, true
	}),
		Doc:     "Who may come: addresses, ranges, host names and .domains; an empty list is nobody; between this and no_access the most specific word wins and a tie refuses",
		Xinetd:  "The most specific word wins, there a client in both lists is refused; a word that cannot be read is an error, there it is left out; host names count only if they lead back to the address; defaults hold wherever they stand; -= and += are written with concat",
		Example: `["192.0.2.0/24", "2001:db8::/32", ".example.org"]`},
	{Name: "no_access", Where: everywhere, Kind: rules(func(s *spec, r []Rule, l ruleLines) { s.Access.NoAccess, s.Access.noAccessLines = r, l }),
		Doc:     "Who may not come, written as in only_from",
		Xinetd:  "As only_from",
		Example: `["192.0.2.{66,77}"]`},
	{Name: "deny_time", Where: InService, Kind: denyTime(),
		Doc:     "How long a service with the flag SENSOR bans who comes, from all services but sensors: minutes, a duration, FOREVER or NEVER, which only logs; coming again renews it; a client of this machine, or of a dgram sensor, whose sender can be forged, is banned only if a word of only_from other than everybody names it",
		Xinetd:  "There it does not renew, is forgotten when xinetd ends, and bans whoever a forged datagram names",
		Example: `"1h"`},
	{Name: "libwrap", Where: InService, Kind: daemonName(),
		Doc:     "The daemon's name in hosts.allow and hosts.deny; the default is the base name of the program, or NAME for a builtin; with the flag NOLIBWRAP, and for RPC over TCP without this attribute, they are not asked",
		Xinetd:  sameAsXinetd,
		Example: `"in.ftpd"`},
	{Name: "access_times", Where: everywhere, Kind: windows(),
		Doc:     "When the service is open, in local time, the last minute included, over midnight too, on all or some weekdays",
		Xinetd:  "Weekdays, midnight and 24:00 are possible; may stand in defaults",
		Example: `["mon-fri 08:00-18:00", "sat 22:00-02:00"]`},

	// what is logged
	{Name: "log_type", Where: logged, Default: `"STDERR"`, Kind: logType(),
		Doc:     "Where the log goes: STDERR, SYSLOG facility [level], FILE /path [soft [hard]], or JOURNAL [level]",
		Xinetd:  "JOURNAL and STDERR; without it STDERR, there nothing is logged",
		Example: `"SYSLOG daemon info"`},
	{Name: "log_format", Where: logged, Default: `"text"`, Kind: named(func(s *spec) *LogFormat { return &s.logFormat }, TextFormat, JSONFormat, XinetdFormat),
		Doc:     "How a line of the log is written: text, json, or xinetd: its START, EXIT, FAIL, USERID and TRAFFIC lines byte for byte, under its name; the journal takes fields in any case",
		Xinetd:  notInXinetd,
		Example: `"json"`},
	{Name: "log_redact", Where: logged, Default: `"none"`, Kind: named(func(s *spec) *Redaction { return &s.logRedact }, RedactNone, RedactPrefix, RedactHash, RedactDrop),
		Doc:     "What the log keeps of a peer's address: none redacts nothing, prefix keeps 24 bits of an IPv4 and 48 of an IPv6 address, hash writes a keyed hash that is another one after each start of superd, drop nothing; the peer's port goes in the last three",
		Xinetd:  notInXinetd,
		Example: `"prefix"`},
	{Name: "log_on_success", Where: everywhere, Default: `["PID", "HOST", "DURATION", "EXIT"]`, Kind: set([]string{"PID", "HOST", "USERID", "EXIT", "DURATION", "TRAFFIC"}, laterLog, func(s *spec, w []string) { s.Log.OnSuccess = logFlags(w) }),
		Doc:     "What is logged of a connection that was let in; an empty list is nothing",
		Xinetd:  "Has a default",
		Example: `["HOST", "EXIT"]`},
	{Name: "log_on_failure", Where: everywhere, Default: `["HOST"]`, Kind: set([]string{"HOST", "USERID", "ATTEMPT"}, laterLog, func(s *spec, w []string) { s.Log.OnFailure = logFlags(w) }),
		Doc:     "What is logged of a connection that was refused; an empty list is nothing",
		Xinetd:  "Has a default",
		Example: `["HOST", "ATTEMPT"]`},
}

func setType(s *spec, words []string) {
	has := func(w string) bool { return slices.Contains(words, w) }
	s.internal, s.unlisted, s.isRPC = has("INTERNAL"), has("UNLISTED"), has("RPC")
	switch {
	case has("TCPMUXPLUS"):
		s.Mux = MuxPlus
	case has("TCPMUX"):
		s.Mux = MuxOwn
	}
	s.muxBoth = has("TCPMUX") && has("TCPMUXPLUS")
}

func setFlags(s *spec, words []string) {
	has := func(w string) bool { return slices.Contains(words, w) }
	s.Socket.Reuse, s.Socket.NoDelay, s.Socket.KeepAlive = has("REUSE"), has("NODELAY"), has("KEEPALIVE")
	s.ipv4, s.ipv6 = has("IPv4"), has("IPv6")
	s.sensor = has("SENSOR")
	s.nameInArgs, s.NoRetry, s.noLibwrap, s.IDOnly = has("NAMEINARGS"), has("NORETRY"), has("NOLIBWRAP"), has("IDONLY")
	s.intercept, s.Labeled = has("INTERCEPT"), has("LABELED")
}

func setSourcePrefix(_ cell, s *spec, four, six cell) {
	a, ok4 := four.within(1, 32)
	b, ok6 := six.within(1, 128)
	if ok4 && ok6 {
		s.Limits.PerSourcePrefix = [2]int{int(a), int(b)}
	}
}

func setCPS(_ cell, s *spec, rate, hold cell) {
	n, ok1 := rate.within(0, 1_000_000)
	d, ok2 := hold.duration()
	if ok1 && ok2 {
		s.Limits.CPS = CPS{Rate: int(n), Hold: d}
	}
}

func logFlags(words []string) LogFlags {
	bit := map[string]LogFlags{
		"PID": LogPID, "HOST": LogHost, "USERID": LogUserID, "EXIT": LogExit,
		"DURATION": LogDuration, "ATTEMPT": LogAttempt, "TRAFFIC": LogTraffic,
	}
	var f LogFlags
	for _, w := range words {
		f |= bit[w]
	}
	return f
}

// rules is the kind of only_from and no_access. Names of /etc/networks are those of the machine that loads.
func rules(take func(*spec, []Rule, ruleLines)) Kind {
	return Kind{Type: listType + "strings", set: func(c cell, s *spec) {
		words, ok := c.texts()
		if !ok {
			return
		}
		rules, lines := make([]Rule, 0, len(words)), make(ruleLines, 0, len(words))
		for _, w := range words {
			r, note, err := parseRules(w.text, c.machine.network)
			switch {
			case err != nil:
				c.on(w).errorf("Bad address", "%q: %s.", w.text, err)
			case note != "":
				c.on(w).warnf("Bits behind the range", "%s", note)
			}
			rules = append(rules, r...)
			for range r {
				lines = append(lines, s.ruleLine(w))
			}
		}
		take(s, rules, lines)
	}}
}
