# tcpmux: one port for services that have none of their own; the client says which one it wants (RFC 1078, port 1).
# Off. A client writes a line, "hello-mux", and reads "+Go" or why not; "help" lists the services there are.

service "tcpmux" {
  type        = "INTERNAL"
  socket_type = "stream"
  wait        = false
  bind        = ["127.0.0.1", "::1"]
  disable     = true
}

# A service behind it: TCPMUXPLUS has superd say "+Go"; a program of type TCPMUX says so itself.
# It is under its own limits, access and user.
service "hello-mux" {
  type        = "TCPMUXPLUS"
  socket_type = "stream"
  wait        = false
  user        = "nobody"
  server      = "./examples/hello.sh"
  disable     = true
}
