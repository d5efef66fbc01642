# Every attribute, none with its default.
include = ["full/*.hcl"]

superd {
  watch      = true
  drain      = "1m"
  grace      = "20s"
  hosts_access = "/etc/superd"
  state = "/var/lib/superd"
  log_type   = "JOURNAL notice"
  log_format = "json"
  log_redact = "hash"

  control       = "/./run/superd.sock"
  control_mode  = "0666"
  control_group = "4"
}

defaults {
  enabled  = ["all", "echo", "off", "7010", "rstatd"]
  disabled = ["off"]
}

service "7000" {
  id             = "all"
  disable        = false
  type           = "UNLISTED"
  flags          = ["reuse", "NODELAY", "KEEPALIVE", "IPv4", "IPv6", "NAMEINARGS", "NORETRY"]
  socket_type    = "stream"
  protocol       = "tcp"
  wait           = true
  port           = "7000-7002"
  bind           = ["127.0.0.1", "::1", "::ffff:127.0.0.2"]
  v6only         = true
  backlog        = 128
  server         = "/bin/sh"
  server_args    = ["-sh", "-c", "exit 0"]
  user           = 0
  group          = "4"
  groups         = false
  env            = ["A=b=c", "TZ=Europe/Berlin"]
  passenv        = ["PATH", "TZ"]
  directory      = "/./tmp/"
  chroot         = "/"
  umask          = "0777"
  nice           = -5
  rlimit_as      = "512M"
  rlimit_cpu     = 60
  rlimit_data    = "1G"
  rlimit_files   = 64
  rlimit_rss     = "unlimited"
  rlimit_stack   = 8388608
  rlimit_core    = 0
  rlimit_fsize   = "10M"
  rlimit_nproc   = 50
  no_new_privs   = true
  max_lifetime   = "1h30m"
  grace          = 2.5
  banner         = "./full/banner"
  banner_success = "./full/banner"
  banner_fail    = "./full/banner"

  instances         = 5
  per_source        = 0
  per_source_prefix = [24, 56]
  cps               = [0, "1d"]
  max_load          = 3.5
  on_instances      = "queue"
  on_per_source     = "RESET"
  on_cps            = "pause"

  libwrap        = "in.everything"
  access_times   = ["mon-fri 08:00-18:00", "22:00-24:00"]
  log_type       = "FILE /var/log/full.log 8M"
  log_format     = "xinetd"
  log_redact     = "prefix"
  log_on_success = ["USERID", "TRAFFIC"]
  log_on_failure = ["ATTEMPT"]
}

service "7010" {
  type            = "UNLISTED"
  socket_type     = "stream"
  wait            = false
  port            = 7010
  redirect        = ["192.0.2.7", "ftp"]
  connect_timeout = "3s"
  max_idle        = "15m"
}

service "rstatd" {
  type        = "RPC"
  socket_type = "dgram"
  wait        = true
  user        = 0
  server      = "/bin/sh"
  rpc_version = "2-4"
  rpc_number  = 100300
}

service "trap" {
  port        = 7011
  socket_type = "stream"
  flags       = ["SENSOR"]
  deny_time   = "1h"
}
