# www: a folder as a web site on port 8080, by micro-httpd (Debian package micro-httpd), for the few pages that need no web server.
#
# Watch for: it shows every file of the folder, and a listing where there is no index.html. No TLS, no log but superd's.

service "http-alt" {
  id           = "www"
  socket_type  = "stream"
  wait         = false
  user         = "www-data"
  server       = "/usr/sbin/micro-httpd"
  server_args  = ["/var/www/html"]
  instances    = 50
  per_source   = 10
  max_lifetime = "5m" # a client that never asks, or never reads, does not stay
  rlimit_cpu   = 30
  disable      = true
}
