/*
 * program.c: what the servers start. Static and without libc, so that starting it costs the kernel's share and nothing else.
 *
 *	program         writes "hello\n" and ends
 *	program stay    writes "hello\n" and ends when its input does
 *	program dgram   answers one datagram on descriptor 0 with itself and ends
 *
 * cc -Os -static -nostdlib -fno-builtin -fno-stack-protector -fno-asynchronous-unwind-tables -o program program.c
 */
#if defined(__x86_64__)

enum { READ = 0, WRITE = 1, SENDTO = 44, RECVFROM = 45, EXIT = 231 };

static long
call(long n, long a, long b, long c, long d, long e, long f)
{
	long r;
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	__asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
	return r;
}

__asm__(".globl _start\n_start:\n\txor %ebp, %ebp\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall run\n");

#elif defined(__aarch64__)

enum { READ = 63, WRITE = 64, SENDTO = 206, RECVFROM = 207, EXIT = 94 };

static long
call(long n, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = n;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;
	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
	return x0;
}

__asm__(".globl _start\n_start:\n\tmov x29, #0\n\tmov x0, sp\n\tbl run\n");

#else
#error "no system calls for this architecture"
#endif

static char buffer[2048];

__attribute__((used, noreturn)) void
run(long *stack)
{
	const char *word = stack[0] > 1 ? ((char **)(stack + 1))[1] : "";
	long status = 0;

	if (word[0] == 'd') {
		char peer[128];
		int size = sizeof peer;
		long n = call(RECVFROM, 0, (long)buffer, sizeof buffer, 0, (long)peer, (long)&size);
		status = n < 0 || call(SENDTO, 0, (long)buffer, n, 0, (long)peer, size) != n;
	} else {
		status = call(WRITE, 1, (long)"hello\n", 6, 0, 0, 0) != 6;
		if (word[0] == 's')
			while (call(READ, 0, (long)buffer, sizeof buffer, 0, 0, 0) > 0)
				;
	}
	for (;;)
		call(EXIT, status, 0, 0, 0, 0, 0);
}
