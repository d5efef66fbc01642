// Package systemd is what superd and the service manager say to each other: sd_notify(3), the file-descriptor store,
// and the sockets that are handed in (sd_listen_fds(3)). Where there is no manager, all of it does nothing.
package systemd
