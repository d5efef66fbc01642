service "echo" {
  type        = ["INTERNAL", "UNLISTED"]
  socket_type = "dgram"
  wait        = true
  port        = 7
  only_from   = ["192.0.2.0", "2001:db8::/32", ".Example.org", "10.{1,2}"]
  no_access   = ["10.0.0.0/255.0.0.0"]
}

service "echo" {
  id = "off"
}
