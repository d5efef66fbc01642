/*
 * spawn.c: the floor under every super-server: accept, vfork, exec, and a thread that reaps. No limits, no log, no access check.
 *
 *	spawn ADDRESS PORT THREADS PROGRAM [ARGUMENT…]
 */
#include "listener.h"
#include <pthread.h>
#include <semaphore.h>
#include <sys/wait.h>

static int listener;
static char **program;
static sem_t started;

static void *
serve(void *unused)
{
	for (;;) {
		int c = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (c < 0)
			continue;
		pid_t p = vfork();
		if (p == 0) {
			dup2(c, 0);
			dup2(c, 1);
			dup2(c, 2);
			execv(program[0], program);
			_exit(127);
		}
		close(c);
		if (p > 0)
			sem_post(&started);
	}
	return unused;
}

static void *
reap(void *unused)
{
	for (;;) {
		while (sem_wait(&started) != 0)
			;
		while (wait4(-1, NULL, 0, NULL) < 0 && errno == EINTR)
			;
	}
	return unused;
}

int
main(int argc, char **argv)
{
	pthread_t t;

	if (argc < 5)
		return 2;
	program = argv + 4;
	listener = bound(SOCK_STREAM, argv);
	check(sem_init(&started, 0, 0), "sem_init");
	check(-pthread_create(&t, NULL, reap, NULL), "pthread_create");
	for (int n = atoi(argv[3]); n > 1; n--)
		check(-pthread_create(&t, NULL, serve, NULL), "pthread_create");
	serve(NULL);
}
