# nbd: a disk over the network (port 10809), by nbdkit (Debian package nbdkit).
#
# Watch for: as it stands everybody who may connect reads the whole image. Without -r they write it, several clients
# at once into one file system, which destroys it: then instances = 1.

service "nbd" {
  socket_type = "stream"
  wait        = false
  user        = "nobody" # must be able to read the image
  server      = "/usr/bin/nbdkit"
  server_args = ["--single", "-r", "file", "/srv/nbd/disk.img"]
  flags       = ["NODELAY", "KEEPALIVE"]
  only_from   = ["127.0.0.1", "::1"]
  disable     = true
}
