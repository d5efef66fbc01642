# ident: tells a server that you have connected to which of your users did (RFC 1413, port 113), by oidentd (Debian package oidentd).
#
# Watch for: it tells the names of your users to everybody who asks. IRC networks and old mail servers ask.
# Stop its own unit: systemctl disable --now oidentd.

service "auth" {
  id          = "ident"
  socket_type = "stream"
  wait        = false
  user        = "root" # it reads whose sockets are whose, and then becomes the user of -u
  server      = "/usr/sbin/oidentd"
  server_args = ["--stdio", "-u", "oident", "-g", "oident"]
  cps         = [10, 10]
  disable     = true
}
