/*
 * Tries ptrace requests on a child and prints a line for each: its name, what ptrace returned, errno afterwards (77 before), and what came of it.
 * The lines are the same in each run: no address, no register is printed, only how they compare.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define XSTATE ((void *)0x202)

static volatile long words[4] = { 0x1122334455667788, -1, 5, 6 };
static unsigned char area[65536], again[65536];
static pid_t child;

static void line(const char *name, long result, const char *format, long value)
{
	int code = errno;

	printf("%s: %ld errno %d", name, result, code);
	if (format) {
		printf(" ");
		printf(format, value);
	}
	printf("\n");
}

#define TRY(name, call) do { errno = 77; long r_ = (call); line(name, r_, NULL, 0); } while (0)

static long regset(int request, void *type, void *base, size_t length, size_t *got)
{
	struct iovec iov = { base, length };
	long result;

	errno = 77;
	result = ptrace(request, child, type, &iov);
	if (got)
		*got = iov.iov_len;
	return result;
}

#define REGSET(name, request, type, base, length) do { size_t got_; long r_ = regset(request, (void *)(type), base, length, &got_); line(name, r_, "length %ld", (long)got_); } while (0)

static void stopped(const char *name)
{
	int status = 0;

	waitpid(child, &status, 0);
	printf("  %s: %s %d\n", name, WIFSTOPPED(status) ? "stopped by" : WIFEXITED(status) ? "exit" : "signal", WIFSTOPPED(status) ? WSTOPSIG(status) : WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

/* FNV-1a of everything that the host says of the process's extended registers, but for the bytes that it leaves to software and the zeros at the end. */
static unsigned long state(void)
{
	unsigned long hash = 14695981039346656037UL;
	size_t length, at;

	memset(again, 0, sizeof again);
	regset(PTRACE_GETREGSET, XSTATE, again, sizeof again, &length);
	while (length > 0 && again[length - 1] == 0)
		length--;
	for (at = 0; at < length; at++)
		if (at < 464 || at >= 512)
			hash = (hash ^ again[at]) * 1099511628211UL;
	return hash;
}

/* Sets `area` as it is, and tells what came of it. */
static void set(const char *name, size_t length)
{
	size_t got;
	long result = regset(PTRACE_SETREGSET, XSTATE, area, length, &got);

	printf("set %s: %ld errno %d length %s\n", name, result, errno, got == length ? "as given" : got < length ? "less" : "more");
	printf("  state: %lx\n", state());
}

/* Sets of the whole area that differ from what is there in nothing, in a part, in the header alone; each again at the length that user-mode Linux gives. */
static void sets(size_t whole)
{
	uint32_t *words = (uint32_t *)area;
	uint64_t *header = (uint64_t *)(area + 512), components;
	size_t lengths[2] = { whole, whole > 2696 ? whole : 2696 };
	int round;

	/* From known values: what the child has in its registers is not the same in each run. */
	memset(area, 0, sizeof area);
	words[0] = 0x37f;
	words[6] = 0x1f80;
	memset(area + 32, 0x5a, 10);
	memset(area + 160, 0xa5, 256);
	if (whole >= 832)
		memset(area + 576, 0x3c, 256);
	components = header[0] = whole >= 832 ? 7 : 3;
	for (round = 0; round < 2; round++) {
		size_t length = lengths[round];

		set("known", length);
		set("the same", length);
		area[470] ^= 0xff;
		set("the same but for software's bytes", length);
		words[41] = 0x01234567 + (unsigned)round;
		set("xmm0", length);
		words[8] ^= 0xffff;
		set("st0", length);
		words[0] ^= 0x0300;
		set("x87 control", length);
		words[6] ^= 0x0040;
		set("mxcsr", length);
		if (whole >= 832) {
			words[150] ^= 1;
			set("ymm0", length);
			words[150] ^= 2;
			words[42] ^= 2;
			set("ymm0 and xmm0", length);
			header[0] = components & ~4UL;
			set("without the component of ymm", length);
			header[0] = components;
			set("with it", length);
		}
		header[0] = components & ~2UL;
		set("without the component of xmm", length);
		words[43] ^= 4;
		set("without it, and xmm0", length);
		header[0] = components;
		set("with it", length);
		header[0] = components & ~3UL;
		set("without both", length);
		header[0] = 0;
		set("without any", length);
		set("without any, again", length);
		header[0] = components;
		set("with all", length);
		header[1] = 1;
		set("a wrong header", length);
		header[1] = 0;
		header[7] = 1;
		set("a wrong end of the header", length);
		header[7] = 0;
		words[6] ^= 0x80000000;
		set("a wrong mxcsr", length);
		words[6] ^= 0x80000000;
		set("the same after wrong ones", length);
		/* The child really has them. */
		ptrace(PTRACE_SYSCALL, child, NULL, NULL);
		stopped("SYSCALL");
		printf("  state: %lx\n", state());
		set("the same after a system call", length);
	}
	/* As a signal's handler does: all of it in the initial state. */
	memset(area, 0, whole);
	words[0] = 0x37f;
	words[6] = 0x1f80;
	set("nothing", whole);
}

int main(void)
{
	unsigned long *counted;
	struct user_regs_struct registers, back;
	struct user_fpregs_struct floats;
	siginfo_t info;
	unsigned long message;
	size_t whole, got;
	long result;

	setvbuf(stdout, NULL, _IONBF, 0);
	printf("LD_PRELOAD before: %s\n", getenv("LD_PRELOAD") ? "set" : "not set");
	child = fork();
	if (child == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		getppid();
		getppid();
		getppid();
		_exit((int)words[2]);
	}
	stopped("TRACEME");

	/* The word itself, also when it is -1 and so looks like an error: then errno says that it is none. */
	errno = 77;
	result = ptrace(PTRACE_PEEKTEXT, child, (void *)&words[0], NULL);
	line("PEEKTEXT", result == words[0], NULL, 0);
	TRY("PEEKDATA of -1", ptrace(PTRACE_PEEKDATA, child, (void *)&words[1], NULL));
	TRY("PEEKDATA, data given", ptrace(PTRACE_PEEKDATA, child, (void *)&words[2], again));
	TRY("PEEKDATA nowhere", ptrace(PTRACE_PEEKDATA, child, (void *)16, NULL));
	TRY("PEEKTEXT nowhere", ptrace(PTRACE_PEEKTEXT, child, (void *)16, NULL));
	errno = 77;
	result = ptrace(PTRACE_PEEKUSER, child, (void *)offsetof(struct user_regs_struct, rip), NULL);
	line("PEEKUSER", result != -1, NULL, 0);
	TRY("GETREGS", ptrace(PTRACE_GETREGS, child, NULL, &registers));
	printf("  rip: %s\n", (long)registers.rip == result ? "same" : "other");
	TRY("PEEKUSER beyond", ptrace(PTRACE_PEEKUSER, child, (void *)100000, NULL));
	TRY("PEEKUSER unaligned", ptrace(PTRACE_PEEKUSER, child, (void *)3, NULL));
	TRY("PEEKDATA of nobody", ptrace(PTRACE_PEEKDATA, 1, (void *)&words[0], NULL));

	TRY("POKEDATA", ptrace(PTRACE_POKEDATA, child, (void *)&words[3], (void *)-1L));
	TRY("PEEKDATA after it", ptrace(PTRACE_PEEKDATA, child, (void *)&words[3], NULL));
	TRY("POKETEXT", ptrace(PTRACE_POKETEXT, child, (void *)&words[2], (void *)7L));
	TRY("PEEKTEXT after it", ptrace(PTRACE_PEEKTEXT, child, (void *)&words[2], NULL));
	TRY("POKEDATA nowhere", ptrace(PTRACE_POKEDATA, child, (void *)16, NULL));
	TRY("POKEUSER", ptrace(PTRACE_POKEUSER, child, (void *)offsetof(struct user_regs_struct, r15), (void *)0x1234L));
	TRY("PEEKUSER after it", ptrace(PTRACE_PEEKUSER, child, (void *)offsetof(struct user_regs_struct, r15), NULL));
	TRY("POKEUSER beyond", ptrace(PTRACE_POKEUSER, child, (void *)100000, NULL));

	registers.r14 = 0x5678;
	registers.r15 = 0x1234;
	TRY("SETREGS", ptrace(PTRACE_SETREGS, child, NULL, &registers));
	TRY("GETREGS", ptrace(PTRACE_GETREGS, child, NULL, &back));
	printf("  registers: %s\n", memcmp(&registers, &back, sizeof back) == 0 ? "same" : "other");
	TRY("GETREGS to nowhere", ptrace(PTRACE_GETREGS, child, NULL, NULL));
	TRY("SETREGS from nowhere", ptrace(PTRACE_SETREGS, child, NULL, NULL));
	TRY("GETFPREGS", ptrace(PTRACE_GETFPREGS, child, NULL, &floats));
	floats.xmm_space[0] = 0x11111111;
	TRY("SETFPREGS", ptrace(PTRACE_SETFPREGS, child, NULL, &floats));
	memset(&floats, 0, sizeof floats);
	TRY("GETFPREGS", ptrace(PTRACE_GETFPREGS, child, NULL, &floats));
	printf("  xmm0: %x\n", floats.xmm_space[0]);

	REGSET("GETREGSET PRSTATUS", PTRACE_GETREGSET, 1, area, sizeof area);
	REGSET("SETREGSET PRSTATUS", PTRACE_SETREGSET, 1, area, sizeof(struct user_regs_struct));
	REGSET("SETREGSET PRSTATUS, a part", PTRACE_SETREGSET, 1, area, 16);
	REGSET("GETREGSET PRFPREG", PTRACE_GETREGSET, 2, area, sizeof area);
	REGSET("SETREGSET PRFPREG", PTRACE_SETREGSET, 2, area, 512);
	REGSET("GETREGSET of no kind", PTRACE_GETREGSET, 0x999, area, sizeof area);
	REGSET("SETREGSET of no kind", PTRACE_SETREGSET, 0x999, area, sizeof area);

	result = regset(PTRACE_GETREGSET, XSTATE, area, sizeof area, &whole);
	line("xstate GETREGSET", result, "length %ld", (long)whole);
	REGSET("xstate GETREGSET, a part", PTRACE_GETREGSET, 0x202, again, 2400);
	((uint32_t *)area)[40] = 0x22222222; /* xmm0 */
	REGSET("xstate SETREGSET whole", PTRACE_SETREGSET, 0x202, area, whole);
	REGSET("xstate SETREGSET more", PTRACE_SETREGSET, 0x202, area, whole + 64);
	((uint32_t *)area)[40] = 0x33333333;
	REGSET("xstate SETREGSET 2696", PTRACE_SETREGSET, 0x202, area, 2696);
	((uint32_t *)area)[40] = 0x44444444;
	/* 8 bytes of what this CPU really keeps. */
	result = regset(PTRACE_SETREGSET, XSTATE, area, (whole > 2696 ? 2400 : whole) - 8, &got);
	line("xstate SETREGSET short", result, NULL, 0);
	memset(again, 0xff, sizeof again);
	regset(PTRACE_GETREGSET, XSTATE, again, sizeof again, &got);
	printf("  xmm0: %x\n", ((uint32_t *)again)[40]);
	printf("  length: %s\n", got == whole ? "same" : "other");
	REGSET("xstate SETREGSET, half a word", PTRACE_SETREGSET, 0x202, area, 1001);
	REGSET("xstate SETREGSET, too little", PTRACE_SETREGSET, 0x202, area, 64);
	REGSET("xstate SETREGSET, nothing", PTRACE_SETREGSET, 0x202, area, 0);
	REGSET("xstate SETREGSET from nowhere", PTRACE_SETREGSET, 0x202, NULL, whole);
	TRY("xstate SETREGSET without iovec", ptrace(PTRACE_SETREGSET, child, XSTATE, NULL));
	TRY("xstate GETREGSET without iovec", ptrace(PTRACE_GETREGSET, child, XSTATE, NULL));
	child = -child;
	REGSET("xstate SETREGSET of nobody", PTRACE_SETREGSET, 0x202, area, whole);
	REGSET("xstate GETREGSET of nobody", PTRACE_GETREGSET, 0x202, again, sizeof again);
	child = -child;

	sets(whole);
	counted = dlsym(RTLD_DEFAULT, "ptrace_sets");
	if (counted)
		printf("sets: nothing to do %lu, x87 and SSE %lu, everything %lu\n", counted[0], counted[1], counted[2]);

	TRY("GETSIGINFO", ptrace(PTRACE_GETSIGINFO, child, NULL, &info));
	printf("  signal: %d\n", info.si_signo);
	TRY("SETOPTIONS", ptrace(PTRACE_SETOPTIONS, child, NULL, (void *)PTRACE_O_TRACESYSGOOD));
	TRY("SETOPTIONS wrong", ptrace(PTRACE_SETOPTIONS, child, NULL, (void *)-1L));
	TRY("GETEVENTMSG", ptrace(PTRACE_GETEVENTMSG, child, NULL, &message));
	TRY("SINGLESTEP", ptrace(PTRACE_SINGLESTEP, child, NULL, NULL));
	stopped("SINGLESTEP");
	TRY("SYSCALL", ptrace(PTRACE_SYSCALL, child, NULL, NULL));
	stopped("SYSCALL");
	TRY("SYSEMU", ptrace(31, child, NULL, NULL));
	stopped("SYSEMU");
	TRY("CONT with a wrong signal", ptrace(PTRACE_CONT, child, NULL, (void *)1000L));
	TRY("no such request", ptrace(0x7777, child, NULL, NULL));
	/* The child reads its exit status where POKETEXT has written. */
	TRY("CONT", ptrace(PTRACE_CONT, child, NULL, NULL));
	stopped("CONT");
	TRY("CONT of nobody", ptrace(PTRACE_CONT, child, NULL, NULL));
	printf("LD_PRELOAD after: %s\n", getenv("LD_PRELOAD") ? "set" : "not set");
	return 0;
}
