defaults {
  cps               = [50]
  instances         = -1
  per_source        = "many"
  per_source_prefix = [33, 64]
  max_load          = "high"
  max_lifetime      = "ten minutes"
  grace             = -1
  on_instances      = "hold"
  on_cps            = "quue"
  backlog           = 1.5
  log_type          = "SYSLOG deamon"
  log_format        = "xml"
  log_on_success    = ["PID", "HOTS"]
  bind              = ["localhost", "192.0.2", "ftp.example.org", "[::1]", "10.0.0.0/8"]
  access_times      = ["8-18", "08:00-25:00", "fry 08:00-09:00", "24:00-01:00"]
  env               = ["NAME", "=x", "REMOTE_HOST=localhost"]
  rlimit_as         = "lots"
  rlimit_cpu        = 0
  banner            = "banner"
  include           = ["x"]
}
superd {
  watch     = 1
  instances = 5
}
