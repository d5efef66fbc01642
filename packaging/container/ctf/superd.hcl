# One capture-the-flag task, for anybody on the network.

superd {
  log_format = "json"
  drain      = "20s"
  grace      = "2s"
}

defaults {
  log_type       = "STDERR"
  log_format     = "json"
  log_on_success = ["PID", "HOST", "DURATION", "EXIT"]
  log_on_failure = ["HOST"]
}

service "guess" {
  type        = "UNLISTED"
  port        = 1337
  socket_type = "stream"
  wait        = false
  user        = "ctf"
  chroot      = "/srv/ctf"
  server      = "/guess" # inside chroot

  # However a player breaks it, it is one of few, for a short time, and small.
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
}
