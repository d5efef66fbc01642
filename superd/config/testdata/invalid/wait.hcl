# warnings only
service "keeper" {
  type        = "UNLISTED"
  socket_type = "stream"
  wait        = true
  user        = "root"
  server      = "/nonexistent/keeper"
  directory   = "/nonexistent"
  banner      = "/nonexistent/banner"
  port        = 7200
  bind        = "nosuch0"
  only_from   = ["192.0.2.7/24"]
}
defaults {
  disabled = ["keepr"]
}
include = ["missing.hcl", "missing/*.hcl"]
