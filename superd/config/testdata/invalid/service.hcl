service "nothing" {
}
service "sleeper" {
  socket_type = "stream"
  protocol    = "udp"
  wait        = false
  port        = 70000
  user        = "no-such-user-here"
  server      = "/"
}
service "unlisted" {
  type        = "UNLISTED"
  socket_type = "stream"
  wait        = false
  server      = "/bin/true"
}
service "numeric" {
  type        = "UNLISTED"
  socket_type = "stream"
  wait        = false
  user        = 3999999
  port        = "7009-7000"
  server      = "true"
}
service "daytme" {
  type        = "INTERNAL"
  socket_type = "stream"
}
service "daytime" {
  type        = "INTERNAL"
  socket_type = "stream"
  wait        = true
  server      = "/bin/true"
}
service "no such name, surely" {
}
service {
}
service "flags" {
  socket_type = "stream"
  wait        = false
  user        = "root"
  group       = "no-such-group-here"
  port        = 7100
  server      = "/nonexistent/program"
  flags       = ["NAMEINARGS", "IPv4"]
  bind        = ["::1"]
}
