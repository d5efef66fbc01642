# git: repositories to clone and fetch, without passwords (Debian package git).
#
# Watch for: --base-path is the folder of the repositories, and only those with a file git-daemon-export-ok are offered.
# Pushing is off unless a repository's own configuration allows it; leave it so. Git serves the repositories of other owners than
# its user only if somebody vouches for them: git config --system --add safe.directory '*'

service "git" {
  socket_type = "stream"
  port        = 9418
  wait        = false
  user        = "nobody" # must be able to read the repositories
  server      = "/usr/bin/git"
  server_args = ["daemon", "--inetd", "--base-path=/srv/git"]
  nice        = 5
  disable     = true
}
