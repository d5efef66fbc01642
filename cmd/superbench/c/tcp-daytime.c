/*
 * tcp-daytime.c: TCP daytime (RFC 867) by accept, write and close, the floor under tcp-daytime. It reads nothing, so that a
 * client who has spoken may be reset before the text has arrived.
 *
 *	tcp-daytime ADDRESS PORT
 */
#include "listener.h"
#include <time.h>

int
main(int argc, char **argv)
{
	char text[64];

	if (argc < 3)
		return 2;
	int listener = bound(SOCK_STREAM, argv);
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			continue;
		time_t now = time(NULL);
		size_t n = strftime(text, sizeof text, "%a %b %d %H:%M:%S %Y\r\n", localtime(&now));
		send(fd, text, n, MSG_NOSIGNAL);
		close(fd);
	}
}
