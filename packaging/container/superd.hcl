# The configuration of the container image. Mount or copy your services to /etc/superd/conf.d, one file each.

superd {
  log_format = "json"
  drain      = "20s" # after SIGTERM, for connections to end by themselves; keep it below the engine's own patience
  grace      = "5s"
}

defaults {
  log_type   = "STDERR" # what a container engine collects
  log_format = "json"

  cps        = [50, 10]
  instances  = 50
  per_source = 10
}

include = ["conf.d/*.hcl"]
