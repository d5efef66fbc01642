# check-mk-agent: tells a Checkmk server how this machine is (port 6556), by check_mk_agent (package check-mk-agent, from your Checkmk site).
#
# Watch for: it tells a great deal and asks for no password, so only_from must name your Checkmk server. One agent at a time
# for each server: agents that pile up are how a slow machine becomes a dead one.

service "check_mk" {
  type         = "UNLISTED"
  port         = 6556
  socket_type  = "stream"
  wait         = false
  user         = "root" # many of its checks need that
  server       = "/usr/bin/check_mk_agent"
  only_from    = ["127.0.0.1", "::1"]
  instances    = 4
  per_source   = 1
  max_lifetime = "5m"
  disable      = true
}
