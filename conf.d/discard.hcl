# discard: swallows what it gets (RFC 863, port 9). Answered by superd itself.
# On, and for this machine only: without bind the whole network could ask.

service "discard" {
  id          = "discard-stream"
  type        = "INTERNAL"
  socket_type = "stream"
  wait        = false
  bind        = ["127.0.0.1", "::1"]
}

service "discard" {
  id          = "discard-dgram"
  type        = "INTERNAL"
  socket_type = "dgram"
  wait        = true
  bind        = ["127.0.0.1", "::1"]
}
