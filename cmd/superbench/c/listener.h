/* listener.h: what the floors have in common. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void
check(int result, const char *what)
{
	if (result < 0) {
		perror(what);
		exit(1);
	}
}

/* bound returns a socket of the type (SOCK_STREAM listens already) at the address and port of the first two arguments. */
static int
bound(int type, char **argv)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
	int on = 1, s = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	check(s, "socket");
	check(inet_pton(AF_INET, argv[1], &at.sin_addr) == 1 ? 0 : -1, "address");
	check(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "SO_REUSEADDR");
	check(bind(s, (struct sockaddr *)&at, sizeof at), "bind");
	if ((type & SOCK_STREAM) != 0)
		check(listen(s, 4096), "listen");
	return s;
}
