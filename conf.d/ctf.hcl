# ctf: a capture-the-flag task, a program that strangers are meant to break. The one here is made by packaging/container/ctf.
#
# Watch for: everything a player may do is what the program's user may do, so let that user own nothing, put the program into a folder
# of its own (chroot; build it with -static), and let it read the flag only through its group. A container around all of it is better still.

service "ctf" {
  type         = "UNLISTED"
  port         = 1337
  socket_type  = "stream"
  wait         = false
  user         = "ctf" # useradd --system --no-create-home ctf
  chroot       = "/srv/ctf"
  server       = "/guess" # inside chroot
  instances    = 100
  per_source   = 5
  cps          = [20, 10]
  max_lifetime = "5m"
  grace        = "1s"
  rlimit_as    = "64M"
  rlimit_cpu   = 10
  rlimit_files = 16
  rlimit_nproc = 200 # all players together
  rlimit_fsize = 1
  rlimit_core  = 0
  no_new_privs = true
  disable      = true
}
