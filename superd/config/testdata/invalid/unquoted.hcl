service "ftp" {
  socket_type = stream
  wait        = no
  disable     = "no"
  user        = root
  server      = "/bin/true"
  flags       = REUSE
  server_args = "-s /srv"
  only_from   = [localhost]
  env         = ["HOME=${HOME}"]
  no_access   = concat(defaults.no_acces, ["192.0.2.1"])
  umask       = 022
  port        = 2100
}
