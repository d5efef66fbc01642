service "ftp" {
  user = "root
  wait = false
}
service "tftp" {
  wait = true
}
