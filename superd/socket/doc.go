// Package socket opens the daemon's sockets and is the only caller of bind and listen.
package socket
