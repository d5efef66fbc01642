# metrics: what superd counts and measures, for Prometheus: http://127.0.0.1:9115/metrics
# Answered by superd itself, over HTTP. See packaging/prometheus for alerts and a scrape configuration.
# To let another machine scrape, widen bind and say in only_from which.

service "metrics" {
  type        = ["INTERNAL", "UNLISTED"]
  socket_type = "stream"
  wait        = false
  port        = 9115
  bind        = ["127.0.0.1", "::1"]
  instances   = 10
  disable     = true
}
