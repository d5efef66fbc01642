# time: the time as 32 bits, seconds since 1900 (RFC 868, port 37). Answered by superd itself.
# On, and for this machine only: without bind the whole network could ask.

service "time" {
  id          = "time-stream"
  type        = "INTERNAL"
  socket_type = "stream"
  wait        = false
  bind        = ["127.0.0.1", "::1"]
}

service "time" {
  id          = "time-dgram"
  type        = "INTERNAL"
  socket_type = "dgram"
  wait        = true
  bind        = ["127.0.0.1", "::1"]
}
