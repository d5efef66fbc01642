include /etc/superd.d/extra.hcl
service "ftp" {
  cps = 50 10
  wait = = false
}
service "tftp"
{
  wait = true
}
service "git" {
  log_on_failure += HOST
}
service "rsync" {
  wait = false
