# ssh: a login over the network, by sshd (Debian package openssh-server).
#
# Watch for: sshd's own unit holds port 22; stop it first (systemctl disable --now ssh), and keep a session open
# until you have logged in through superd. sshd wants the folder /run/sshd, which its unit would make.

service "ssh" {
  socket_type  = "stream"
  wait         = false
  user         = "root" # it switches to the user who logs in
  server       = "/usr/sbin/sshd"
  server_args  = ["-i"]
  rlimit_files = 1024
  disable      = true
}
