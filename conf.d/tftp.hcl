# tftp: files for machines that boot from the network, by in.tftpd (Debian package tftpd-hpa).
#
# Watch for: everybody who can reach the port can read all of /srv/tftp, so only_from is worth its line.
# wait = true: the program takes the socket and serves the clients that follow, until none comes for a while.
# Stop its own unit: systemctl disable --now tftpd-hpa.

service "tftp" {
  socket_type = "dgram"
  wait        = true
  user        = "root" # it locks itself into /srv/tftp and then becomes tftp
  server      = "/usr/sbin/in.tftpd"
  server_args = ["-s", "/srv/tftp"]
  disable     = true
}
