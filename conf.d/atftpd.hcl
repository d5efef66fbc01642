# atftpd: files for machines that boot from the network, by atftpd (Debian package atftpd), instead of tftpd-hpa in tftp.hcl.
#
# Watch for: everybody who can reach the port can read all of /srv/tftp, so only_from is worth its line.
# wait = true: the program takes the socket and serves the clients that follow, until none comes for tftpd-timeout seconds.
# Stop its own unit, if it has one: systemctl disable --now atftpd.

service "tftp" {
  id          = "atftpd"
  socket_type = "dgram"
  wait        = true
  user        = "nobody" # must be able to read /srv/tftp
  server      = "/usr/sbin/atftpd"
  server_args = ["--tftpd-timeout", "300", "--retry-timeout", "5", "--maxthread", "100", "/srv/tftp"]
  disable     = true
}
