superv {
}
defaults {
  instanses = 5
  server    = "/bin/true"
}
service "ftp" {
  socket_type = "stream"
  wait        = false
  user        = "root"
  servre      = "/usr/sbin/vsftpd"
  port        = 21
  flags       = ["REUSE", "KEPALIVE", "INTERCEPT"]
  interface   = "eth0"
  mdns        = true
  rlimits {
  }
}
cps = [1, 2]
