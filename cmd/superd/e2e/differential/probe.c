// probe tells what a program gets from its super-server: probe TOPIC…, one line for each fact, on standard output.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

static char text[65536];
static size_t length;

static void say(const char *format, ...) {
	va_list args;
	va_start(args, format);
	length += vsnprintf(text + length, sizeof text - length, format, args);
	va_end(args);
}

static int compare(const void *a, const void *b) { return strcmp(*(char **)a, *(char **)b); }

static void fds(void) {
	struct stat st, first;
	fstat(0, &first);
	for (int fd = 0; fd < 1024; fd++) {
		if (fstat(fd, &st) < 0) continue;
		const char *kind = S_ISSOCK(st.st_mode) ? "socket" : S_ISFIFO(st.st_mode) ? "pipe" : S_ISCHR(st.st_mode) ? "device" : "file";
		say("fd %d: %s%s%s%s\n", fd, kind, st.st_ino == first.st_ino && st.st_dev == first.st_dev ? ", that of 0" : "",
			fcntl(fd, F_GETFL) & O_NONBLOCK ? ", nonblocking" : "", fcntl(fd, F_GETFD) & FD_CLOEXEC ? ", close-on-exec" : "");
	}
}

static void env(void) {
	int n = 0;
	while (environ[n]) n++;
	qsort(environ, n, sizeof *environ, compare);
	for (int i = 0; i < n; i++) say("env %s\n", environ[i]);
}

static void args(int argc, char **argv) {
	for (int i = 0; i < argc; i++) say("argv[%d] %s\n", i, argv[i]);
}

static void ids(void) {
	uid_t r, e, s;
	gid_t gr, ge, gs, groups[64];
	getresuid(&r, &e, &s);
	getresgid(&gr, &ge, &gs);
	say("uid %d %d %d gid %d %d %d groups", r, e, s, gr, ge, gs);
	int n = getgroups(64, groups);
	for (int i = 0; i < n; i++) say(" %d", groups[i]);
	say("\n");
}

static void limit(const char *name, int which) {
	struct rlimit l;
	getrlimit(which, &l);
	say("limit %s", name);
	l.rlim_cur == RLIM_INFINITY ? say(" unlimited") : say(" %llu", (unsigned long long)l.rlim_cur);
	l.rlim_max == RLIM_INFINITY ? say(" unlimited\n") : say(" %llu\n", (unsigned long long)l.rlim_max);
}

static void limits(void) {
	limit("as", RLIMIT_AS);
	limit("cpu", RLIMIT_CPU);
	limit("data", RLIMIT_DATA);
	limit("rss", RLIMIT_RSS);
	limit("stack", RLIMIT_STACK);
	limit("core", RLIMIT_CORE);
	limit("nproc", RLIMIT_NPROC);
}

static void place(void) {
	char dir[4096];
	mode_t mask = umask(0);
	say("cwd %s\numask %03o\nnice %d\n", getcwd(dir, sizeof dir) ? dir : "?", mask, getpriority(PRIO_PROCESS, 0));
	int tty = open("/dev/tty", O_RDWR);
	say("session %s, group %s, terminal %s\n", getsid(0) == getpid() ? "own" : "foreign", getpgrp() == getpid() ? "own" : "foreign", tty < 0 ? "none" : "yes");
}

static void signals(void) {
	char line[256];
	FILE *f = fopen("/proc/self/status", "r");
	while (f && fgets(line, sizeof line, f))
		if (!strncmp(line, "SigBlk", 6) || !strncmp(line, "SigIgn", 6) || !strncmp(line, "NoNewPrivs", 10)) say("%s", line);
}

static const char *host(struct sockaddr_storage *a) {
	static char text[INET6_ADDRSTRLEN];
	const void *where = a->ss_family == AF_INET6 ? (void *)&((struct sockaddr_in6 *)a)->sin6_addr : (void *)&((struct sockaddr_in *)a)->sin_addr;
	return inet_ntop(a->ss_family, where, text, sizeof text);
}

static void address(const char *name, int (*of)(int, struct sockaddr *, socklen_t *)) {
	struct sockaddr_storage a;
	socklen_t n = sizeof a;
	if (of(0, (struct sockaddr *)&a, &n) < 0) {
		say("%s none: %s\n", name, strerror(errno));
		return;
	}
	say("%s %s %s\n", name, a.ss_family == AF_INET6 ? "inet6" : "inet", host(&a));
}

static void option(const char *name, int level, int which) {
	int v = 0;
	socklen_t n = sizeof v;
	if (getsockopt(0, level, which, &v, &n) == 0) say("%s %d\n", name, v != 0);
}

static void sock(void) {
	address("local", getsockname);
	address("peer", getpeername);
	option("keepalive", SOL_SOCKET, SO_KEEPALIVE);
	option("nodelay", IPPROTO_TCP, TCP_NODELAY);
	option("listening", SOL_SOCKET, SO_ACCEPTCONN);
}

static int whom; // answers say who asked

static void answer(void) {
	struct sockaddr_storage a;
	socklen_t n = sizeof a;
	char got[2048];
	ssize_t r = recvfrom(0, got, sizeof got, 0, (struct sockaddr *)&a, &n);
	if (r < 0) exit(1);
	say("got %.*s", (int)r, got);
	whom ? say(" from %s\n", host(&a)) : say("\n");
	sendto(0, text, length, 0, n ? (struct sockaddr *)&a : NULL, n);
	length = 0;
}

static int idle(int milliseconds) {
	struct pollfd p = {0, POLLIN};
	return poll(&p, 1, milliseconds) == 0;
}

int main(int argc, char **argv) {
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "fds")) fds();
		else if (!strcmp(argv[i], "env")) env();
		else if (!strcmp(argv[i], "args")) args(argc, argv);
		else if (!strcmp(argv[i], "ids")) ids();
		else if (!strcmp(argv[i], "limits")) limits();
		else if (!strcmp(argv[i], "files")) limit("nofile", RLIMIT_NOFILE);
		else if (!strcmp(argv[i], "place")) place();
		else if (!strcmp(argv[i], "signals")) signals();
		else if (!strcmp(argv[i], "sock")) sock();
		else if (!strcmp(argv[i], "hello")) say("hello\n");
		else if (!strcmp(argv[i], "exit3")) { write(1, text, length); return 3; }
		else if (!strcmp(argv[i], "term")) { write(1, text, length); kill(getpid(), SIGTERM); }
		else if (!strcmp(argv[i], "stderr")) { write(2, "to stderr\n", 10); }
		else if (!strcmp(argv[i], "accept")) { // as a stream wait server: one connection, then it leaves
			int c = accept(0, NULL, NULL);
			say("accepted\n");
			write(c, text, length);
			return 0;
		} else if (!strcmp(argv[i], "whom")) whom = 1;
		else if (!strcmp(argv[i], "serve")) { // as a stream wait server: connections until none comes for a while
			struct sockaddr_storage a;
			socklen_t n = sizeof a;
			for (size_t kept = length; !idle(1000); length = kept) {
				int c = accept(0, (struct sockaddr *)&a, &n);
				say("accepted");
				whom ? say(" from %s\n", host(&a)) : say("\n");
				write(c, text, length);
				close(c);
			}
			return 0;
		} else if (!strcmp(argv[i], "recv")) answer(); // one datagram
		else if (!strcmp(argv[i], "recvall")) { // datagrams until none comes for a while
			struct timeval t = {1, 0};
			setsockopt(0, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
			size_t kept = length;
			for (;; length = kept) answer();
		} else if (!strcmp(argv[i], "cat")) { // until the end of input
			char b[4096];
			ssize_t r;
			write(1, text, length);
			length = 0;
			while ((r = read(0, b, sizeof b)) > 0) write(1, b, r);
		}
	}
	write(1, text, length);
	return 0;
}
