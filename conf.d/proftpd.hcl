# proftpd: file transfer, by ProFTPD (Debian package proftpd-core), instead of vsftpd in ftp.hcl.
#
# Watch for: put ServerType inetd into /etc/proftpd/proftpd.conf (Debian's says standalone) and stop its own unit:
# systemctl disable --now proftpd. FTP sends passwords as they are.

service "ftp" {
  id          = "proftpd"
  socket_type = "stream"
  wait        = false
  user        = "root" # it switches to the user who logs in
  server      = "/usr/sbin/proftpd"
  instances   = 30
  per_source  = 3
  disable     = true
}
