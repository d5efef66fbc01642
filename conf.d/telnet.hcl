# telnet: a login over the network, by telnetd (Debian package inetutils-telnetd or telnetd).
#
# Watch for: passwords and all else travel as they are. Use ssh, and this only for old devices in a closed network.

service "telnet" {
  socket_type = "stream"
  wait        = false
  user        = "root" # it starts login
  server      = "/usr/sbin/telnetd"
  only_from   = ["127.0.0.1", "::1"]
  disable     = true
}
