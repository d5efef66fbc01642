# echo: sends back what it gets (RFC 862, port 7). Answered by superd itself.
# On, and for this machine only: without bind the whole network could ask.

service "echo" {
  id          = "echo-stream"
  type        = "INTERNAL"
  socket_type = "stream"
  wait        = false
  bind        = ["127.0.0.1", "::1"]
}

service "echo" {
  id          = "echo-dgram"
  type        = "INTERNAL"
  socket_type = "dgram"
  wait        = true
  bind        = ["127.0.0.1", "::1"]
}
