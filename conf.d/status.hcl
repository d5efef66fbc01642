# status: a page that shows how superd and its services are doing: http://127.0.0.1:9116/
# Answered by superd itself, over HTTP. For programs: /?json; for health checks: /healthz, and /healthz?service=ID for one
# service; 200 while it serves, else 503. To let other machines see it, widen bind and say in only_from which.

service "status" {
  type        = ["INTERNAL", "UNLISTED"]
  socket_type = "stream"
  wait        = false
  port        = 9116
  bind        = ["127.0.0.1", "::1"]
  instances   = 20
  disable     = true
}
