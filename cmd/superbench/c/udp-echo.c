/*
 * udp-echo.c: UDP echo (RFC 862) by recvfrom and sendto, the floor under udp-echo.
 *
 *	udp-echo ADDRESS PORT
 */
#include "listener.h"

int
main(int argc, char **argv)
{
	static char data[65536];
	struct sockaddr_in peer;

	if (argc < 3)
		return 2;
	int s = bound(SOCK_DGRAM, argv);
	for (;;) {
		socklen_t size = sizeof peer;
		ssize_t n = recvfrom(s, data, sizeof data, 0, (struct sockaddr *)&peer, &size);
		if (n >= 0)
			sendto(s, data, n, 0, (struct sockaddr *)&peer, size);
	}
}
