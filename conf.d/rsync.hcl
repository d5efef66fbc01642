# rsync: copies of folders (Debian package rsync).
#
# Watch for: what is offered, to whom, and under which user stands in /etc/rsyncd.conf, which must exist.
# Copies can take long, so there is no max_lifetime. Stop its own unit: systemctl disable --now rsync.

service "rsync" {
  socket_type = "stream"
  wait        = false
  user        = "root" # it switches to the uid of the module
  server      = "/usr/bin/rsync"
  server_args = ["--daemon"]
  flags       = ["KEEPALIVE"]
  disable     = true
}
