# clustercheck: tells load balancers over HTTP whether this node of a Galera cluster can take queries (port 9200).
# The program is conf.d/examples/clustercheck.sh; it answers 200 for a synced node and 503 for any other.
#
# Watch for: the script asks the server as the user it runs as, over the local socket. Let that user see the status and nothing else:
#   CREATE USER clustercheck IDENTIFIED VIA unix_socket;
# and make the account: useradd --system --no-create-home clustercheck. In HAProxy: option httpchk, and check port 9200.

service "clustercheck" {
  type         = "UNLISTED"
  port         = 9200
  socket_type  = "stream"
  wait         = false
  user         = "clustercheck"
  server       = "./examples/clustercheck.sh"
  only_from    = ["127.0.0.1", "::1"] # and your load balancers
  cps          = [100, 1]
  instances    = 20
  max_lifetime = "10s" # a check that hangs is a check that failed
  disable      = true
}
