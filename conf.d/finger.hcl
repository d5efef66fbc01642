# finger: who is logged in, by fingerd (Debian package fingerd).
#
# Watch for: it tells the names of your users to everybody who asks. RFC 1288 says so too.

service "finger" {
  socket_type = "stream"
  wait        = false
  user        = "nobody"
  server      = "/usr/sbin/in.fingerd"
  only_from   = ["127.0.0.1", "::1"]
  disable     = true
}
