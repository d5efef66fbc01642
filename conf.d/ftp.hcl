# ftp: file transfer, by vsftpd (Debian package vsftpd).
#
# Watch for: vsftpd must not listen by itself. Put listen=NO and listen_ipv6=NO into /etc/vsftpd.conf and
# stop its own unit: systemctl disable --now vsftpd. FTP sends passwords as they are.

service "ftp" {
  socket_type    = "stream"
  wait           = false
  user           = "root" # it switches to the user who logs in
  server         = "/usr/sbin/vsftpd"
  server_args    = ["/etc/vsftpd.conf"]
  log_on_failure = concat(defaults.log_on_failure, ["USERID"])
  disable        = true
}
