# superd.hcl: the main file of superd, with every attribute there is.
#
# What is written without a leading # is in force; the rest shows what can be written.
# Each attribute is described in superd.hcl(5). Look over your changes with
#
#     superd check -c superd.hcl
#
# and have a running superd take them with
#
#     killall -HUP superd
#
# A mistake anywhere changes nothing: superd says what is wrong, and goes on as it was.

# What holds for every service that does not say otherwise, wherever the service stands.
defaults {
  log_type       = "STDERR"                            # or "SYSLOG daemon info", "JOURNAL", "FILE /var/log/superd.log 8M 9M"
  log_format     = "text"                              # or "json", or "xinetd": lines as xinetd writes them
  log_redact     = "none"                              # of addresses: "prefix", "hash" or "drop"
  log_on_success = ["PID", "HOST", "DURATION", "EXIT"] # also USERID, TRAFFIC
  log_on_failure = ["HOST"]                            # also USERID, ATTEMPT

  cps        = [50, 10] # 50 new connections a second; who exceeds them is held off for 10 seconds
  instances  = 50       # connections of a service at once, or "UNLIMITED"
  per_source = 10       # connections of one client at once, or "UNLIMITED"

  # Only these services, by id; and not those.
  #enabled  = ["daytime-stream", "ftp"]
  #disabled = ["chargen-dgram"]
}

# More files, relative to this one. What matches nothing is not missed.
include = ["conf.d/*.hcl"]

# The daemon itself. It has log_type, log_format, log_redact and grace as well.
superd {
  #state = "/var/lib/superd" # what is to outlive the daemon, such as bans; without it this, if superd is root; or "none"
  #hosts_access = "/etc" # the folder of hosts.allow and hosts.deny, which decide about every service without the flag NOLIBWRAP
  watch = false # true: a changed file is in force as soon as it is saved
  drain = 0     # "25s": when superd stops, connections may end by themselves for so long before they are ended

  # Where superd status and its like find the daemon. Without a group it is root's alone.
  #control       = "/run/superd/control.sock" # "none": there is no such socket
  #control_mode  = "0660"
  #control_group = "adm" # may look; only root may change anything
}

# A service with everything that a service can have. Mostly a few lines are enough: see conf.d.
#
#service "example" {
#  id      = "example-stream" # its name in logs and limits; without it "example"
#  disable = true             # off
#
#  # Where it listens. Without port, "example" is looked up in /etc/services.
#  type        = ["UNLISTED"] # the name is not in /etc/services; "INTERNAL": superd answers itself;
#                             # "TCPMUXPLUS" or "TCPMUX": it has no port, see conf.d/tcpmux.hcl
#  socket_type = "stream"     # TCP; "dgram" is UDP
#  protocol    = "tcp"        # follows from socket_type
#  port        = 7000         # or "ftp", or "7000-7009"
#  bind        = ["127.0.0.1", "::1"] # addresses or interfaces; without it all of them
#  v6only      = false        # true: [::] does not take IPv4
#  backlog     = 0            # connections that wait in the kernel; 0: as many as it allows
#  flags       = ["REUSE", "NODELAY", "KEEPALIVE"] # also IPv4, IPv6, NAMEINARGS, NORETRY, NOLIBWRAP, SENSOR, IDONLY, INTERCEPT
#
#  # What runs. wait = false: one program for each client; true: the program takes the socket.
#  wait         = false
#  server       = "/usr/local/sbin/example" # "./example" is beside this file
#  server_args  = ["-v", "two words"]       # no shell reads them
#  user         = "nobody"    # must be there if superd runs as root
#  group        = "nogroup"   # without it the user's own
#  groups       = false       # true: the user's other groups as well
#  directory    = "/"
#  chroot       = "/srv/jail"
#  umask        = "022"
#  nice         = 5
#  env          = ["GREETING=hello"]
#  passenv      = ["PATH", "LANG", "TZ"] # of superd's own environment
#  rlimit_as    = "512M"
#  rlimit_cpu   = 60          # seconds
#  rlimit_data  = "256M"
#  rlimit_files = 64
#  rlimit_rss   = "UNLIMITED"
#  rlimit_stack = "8M"
#  rlimit_core  = 0           # no core dumps
#  rlimit_fsize = "10M"       # the largest file it may write
#  rlimit_nproc = 50          # processes of its user, all of them together
#  no_new_privs = false       # true: su, sudo and the like do not work in it
#  max_lifetime = "1h"        # then TERM,
#  grace        = "10s"       # and KILL so much later
#
#  # What a client reads first, when it is let in, and when it is not: files of at most 16 KiB.
#  banner         = "/etc/superd/banner"
#  banner_success = "/etc/superd/welcome"
#  banner_fail    = "/etc/superd/sorry"
#
#  # Limits beyond those in defaults, and what happens at each.
#  per_source_prefix = [32, 64]  # so many bits of an IPv4 and of an IPv6 address are one client
#  max_load          = 8.0       # refuse while the machine is that busy
#  on_instances      = "refuse"  # "reset", or "queue": wait for room
#  on_per_source     = "refuse"  # or "reset"
#  on_cps            = "hold"    # hold off who exceeds it; "pause": the whole service; "refuse", "reset", "queue"
#
#  # Who may come, and when. The most specific word wins; between equal ones no_access.
#  only_from    = ["192.0.2.0/24", "2001:db8::/32", ".example.org"]
#  no_access    = ["192.0.2.{66,77}"]
#  deny_time    = "1h"         # with the flag SENSOR: how long who comes is kept out of all services; also "FOREVER", "NEVER"
#  libwrap      = "in.example" # its name in hosts.allow and hosts.deny; without it the program's
#  access_times = ["mon-fri 08:00-18:00", "sat 22:00-02:00"]
#}
#
#service "example-redirect" {
#  # Instead of running a program, connect each client to another host and port.
#  type            = "UNLISTED"
#  socket_type     = "stream"
#  wait            = false
#  port            = 7080
#  redirect        = ["192.0.2.7", 8080] # or a host's name, which is looked up again when it may have changed
#  connect_timeout = "10s"               # reaching it may take so long
#  max_idle        = "15m"               # and it ends when both sides have been silent so long
#}
#
#service "example-rpc" {
#  # Registered with rpcbind, on a port that the kernel chooses unless one is given.
#  type        = "RPC"
#  socket_type = "dgram"
#  wait        = true
#  user        = "nobody"
#  server      = "/usr/sbin/rpc.example"
#  rpc_version = "2-3"  # or just 3
#  rpc_number  = 100300 # not needed for a name of /etc/rpc
#}
