# daytime: the date and time as a line of text (RFC 867, port 13). Answered by superd itself.
# On, and for this machine only: without bind the whole network could ask.

service "daytime" {
  id          = "daytime-stream"
  type        = "INTERNAL"
  socket_type = "stream"
  wait        = false
  bind        = ["127.0.0.1", "::1"]
}

service "daytime" {
  id          = "daytime-dgram"
  type        = "INTERNAL"
  socket_type = "dgram"
  wait        = true
  bind        = ["127.0.0.1", "::1"]
}
