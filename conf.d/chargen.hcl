# chargen: lines of characters without end, over UDP one datagram of at most 512 bytes (RFC 864, port 19). Answered by superd itself.
# On, and for this machine only: without bind the whole network could ask.

service "chargen" {
  id          = "chargen-stream"
  type        = "INTERNAL"
  socket_type = "stream"
  wait        = false
  bind        = ["127.0.0.1", "::1"]
}

service "chargen" {
  id          = "chargen-dgram"
  type        = "INTERNAL"
  socket_type = "dgram"
  wait        = true
  bind        = ["127.0.0.1", "::1"]
}
