defaults {
  enabled = ["echo", "discard", "time", "chargenn"]
}
defaults {
}
service "echo" {
  type        = "INTERNAL"
  socket_type = "stream"
}
service "echo" {
  type        = "INTERNAL"
  socket_type = "dgram"
}
service "discard" {
  type        = "INTERNAL"
  socket_type = "stream"
  port        = "7-9"
}
service "time" {
  id          = "ECHO"
  disable     = true
  type        = "INTERNAL"
  socket_type = "stream"
}
superd {
  watch = true
  watch = false
}
