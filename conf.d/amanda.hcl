# amanda: lets an Amanda backup server fetch this machine's dumps (port 10080), by amandad (Debian package amanda-client).
#
# Watch for: who may is said in /var/backups/.amandahosts, host by host and service by service. On the machine that is the
# server, package amanda-server, add amindexd and amidxtaped to server_args, for amrecover.

service "amanda" {
  socket_type = "stream"
  wait        = false
  user        = "backup"
  groups      = true # tape and disk, so that it can read what it dumps
  server      = "/usr/lib/amanda/amandad"
  server_args = ["-auth=bsdtcp", "amdump"]
  only_from   = ["127.0.0.1", "::1"] # and your backup server
  disable     = true
}
