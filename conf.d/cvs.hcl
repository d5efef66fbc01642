# cvs: version control with passwords, for repositories that have never moved on (Debian package cvs).
#
# Watch for: each repository needs its own --allow-root. pserver passwords travel all but in the clear; it runs as root
# until it knows who logs in, so put the users into CVSROOT/passwd with an account that owns only the repository, and
# set SystemAuth=no in CVSROOT/config, so that no password of the machine itself is ever asked for.

service "cvspserver" {
  socket_type = "stream"
  wait        = false
  user        = "root"
  server      = "/usr/bin/cvs"
  server_args = ["-f", "--allow-root=/srv/cvs", "pserver"]
  env         = ["HOME=/nonexistent"] # or it looks for root's .cvsrc
  only_from   = ["127.0.0.1", "::1"]
  disable     = true
}
