/*
 * tcp-echo.c: TCP echo (RFC 862) in one thread with epoll, the floor under tcp-echo.
 *
 *	tcp-echo ADDRESS PORT
 */
#include "listener.h"
#include <sys/epoll.h>

/* A connection: what has been read and could not be written yet. */
struct conn {
	int fd, from, to, over;
	char data[65536];
};

/* turn echoes until the socket would block; 0 when the connection is over. */
static int
turn(struct conn *c)
{
	for (;;) {
		while (c->from < c->to) {
			ssize_t n = send(c->fd, c->data + c->from, c->to - c->from, MSG_NOSIGNAL);
			if (n < 0)
				return errno == EAGAIN;
			c->from += n;
		}
		if (c->over)
			return 0;
		ssize_t n = recv(c->fd, c->data, sizeof c->data, 0);
		if (n < 0)
			return errno == EAGAIN;
		c->over = n == 0;
		c->from = 0;
		c->to = n;
	}
}

int
main(int argc, char **argv)
{
	struct epoll_event events[64];

	if (argc < 3)
		return 2;
	int listener = bound(SOCK_STREAM | SOCK_NONBLOCK, argv), poll = epoll_create1(EPOLL_CLOEXEC);
	check(poll, "epoll_create1");
	struct epoll_event e = {.events = EPOLLIN};
	check(epoll_ctl(poll, EPOLL_CTL_ADD, listener, &e), "epoll_ctl");
	for (;;) {
		int n = epoll_wait(poll, events, 64, -1);
		for (int i = 0; i < n; i++) {
			struct conn *c = events[i].data.ptr;
			if (c == NULL) {
				int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
				if (fd < 0)
					continue;
				if ((c = malloc(sizeof *c)) == NULL)
					return 1;
				c->fd = fd;
				c->from = c->to = c->over = 0;
				e.events = EPOLLIN | EPOLLOUT | EPOLLET;
				e.data.ptr = c;
				check(epoll_ctl(poll, EPOLL_CTL_ADD, fd, &e), "epoll_ctl");
			} else if (!turn(c)) {
				close(c->fd);
				free(c);
			}
		}
	}
}
