# nrpe: runs the checks of a monitoring server on this machine (Debian package nagios-nrpe-server).
#
# Watch for: only_from must name your monitoring server; allowed_hosts in /etc/nagios/nrpe.cfg is asked as well. Leave
# dont_blame_nrpe=0 there, so that nobody passes arguments to your checks. Stop its own unit: systemctl disable --now nagios-nrpe-server.

service "nrpe" {
  socket_type = "stream"
  wait        = false
  user        = "nagios"
  server      = "/usr/sbin/nrpe"
  server_args = ["-c", "/etc/nagios/nrpe.cfg", "--inetd"]
  only_from   = ["127.0.0.1", "::1"]
  instances   = 20
  disable     = true
}
