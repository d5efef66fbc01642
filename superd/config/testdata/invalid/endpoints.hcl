service "echo" {
  type        = "INTERNAL"
  socket_type = "stream"
}
service "discard" {
  type        = "INTERNAL"
  socket_type = "stream"
  port        = "7-9"
}
service "time" {
  type        = "INTERNAL"
  socket_type = "stream"
  bind        = "127.0.0.1"
  port        = 7
}
