service "ftp" {
  wait = [31mfalse ÿ
}
