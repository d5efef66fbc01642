# hello: the smallest service of your own. The program is conf.d/examples/hello.sh; read it, it is short.
#
# Try it: set disable to false, reload, and type: nc localhost 20001

service "hello" {
  type        = "UNLISTED" # its name is not in /etc/services
  port        = 20001
  socket_type = "stream"
  wait        = false
  user        = "nobody"              # leave this line out if superd is not run by root
  server      = "./examples/hello.sh" # beginning with ./, so beside this file
  bind        = ["127.0.0.1", "::1"]
  disable     = true
}
