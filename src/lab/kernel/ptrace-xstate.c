/*
 * Preloaded into user-mode Linux: the registers of a process are set whole where the CPU keeps more of them than that kernel has room for, and cheaply everywhere.
 *
 * Whole: PTRACE_SETREGSET of NT_X86_XSTATE takes the XSAVE area only at its full size: one byte less is EFAULT. With AMX the area is 11,008 bytes;
 * user-mode Linux before 6.13 keeps 2,696, so it could restore no process's registers. Here its bytes go to the host followed by zeros, at
 * the size that the host itself reports: a component that is all zeros is in its initial state, and no guest can use it anyway.
 *
 * Cheaply: that kernel sets all registers each time a process goes on, though a system call changes none of them. To set the area, the host maps
 * and unmaps memory of its own; to read it costs next to nothing. So it is read first. Nothing is done where it holds what it should; where only its
 * x87 and SSE part differs, as after a signal, PTRACE_SETFPREGS sets that, without mapping anything.
 *
 * Built without libc's headers and start files (tcc alone has neither), into a process that has libc. `ptrace` is declared without `...`:
 * on x86-64 the arguments arrive in the same registers, and tcc's va_arg would need its run-time library.
 *
 * For tests: PRETENDED_SIZE, a host whose area has that many bytes, on a CPU that has less. NARROW: without any of it. COUNTED: `ptrace_sets` counts
 * what was done.
 */

struct iovec {
	void *base;
	unsigned long length;
};

extern long syscall(long number, ...);
extern int *__errno_location(void);
extern int unsetenv(const char *name);
extern void *memcpy(void *to, const void *from, unsigned long length);
extern void *memset(void *to, int value, unsigned long length);

enum { SYS_ptrace = 101, PEEKTEXT = 1, PEEKUSER = 3, SETFPREGS = 15, GETREGSET = 0x4204, SETREGSET = 0x4205, NT_X86_XSTATE = 0x202, EFAULT = 14 };

#ifdef PRETENDED_SIZE
/* What a host with a wider area does with these two requests. */
static long host(int request, int pid, void *address, void *data)
{
	struct iovec *iov = data;
	unsigned long asked;
	long result;

	if ((request != GETREGSET && request != SETREGSET) || address != (void *)NT_X86_XSTATE || !data)
		return syscall(SYS_ptrace, (long)request, (long)pid, address, data);
	asked = iov->length < PRETENDED_SIZE ? iov->length : PRETENDED_SIZE;
	if (request == SETREGSET && asked < PRETENDED_SIZE && asked % 8 == 0) {
		*__errno_location() = EFAULT;
		return -1;
	}
	/* The real host takes and gives what its own area has room for. */
	result = syscall(SYS_ptrace, (long)request, (long)pid, address, data);
	if (result == 0) {
		if (request == GETREGSET && iov->length < asked)
			memset((char *)iov->base + iov->length, 0, asked - iov->length);
		iov->length = asked;
	}
	return result;
}
#else
static long host(int request, int pid, void *address, void *data)
{
	return syscall(SYS_ptrace, (long)request, (long)pid, address, data);
}
#endif

#ifndef NARROW
/* Of an XSAVE area, in words of 8 bytes (Intel SDM volume 1, 13.4): x87 and SSE; what software may use; the header, whose first word says which components are not in their initial state. */
enum { USED_LEGACY = 58, HEADER = 64, EXTENDED = 72, WORD = 8, X87_AND_SSE = 3 };

/* Static: the caller's stack is a kernel stack of 16 KB. User-mode Linux calls ptrace from one thread. */
static unsigned long area[8192];

#ifdef COUNTED
/* Sets that found nothing to do, of x87 and SSE alone, and of everything. */
unsigned long ptrace_sets[3];
#define COUNT(kind) (ptrace_sets[kind]++)
#else
#define COUNT(kind) ((void)0)
#endif

static int same(const unsigned long *one, const unsigned long *other, unsigned long from, unsigned long to)
{
	while (from < to && one[from] == other[from])
		from++;
	return from >= to;
}

static int zeros(const unsigned long *words, unsigned long from, unsigned long to)
{
	while (from < to && words[from] == 0)
		from++;
	return from >= to;
}

/* Whether setting `given` would leave everything but x87 and SSE as `area` says it is. No component may return to its initial state, whatever its bytes say. */
static int same_extended(const unsigned long *given, unsigned long length, unsigned long size)
{
	unsigned long both = length < size ? length : size;

	return (area[HEADER] & ~given[HEADER]) == 0 && zeros(given, HEADER + 1, EXTENDED) && same(area, given, EXTENDED, both) && zeros(area, both, size);
}

static long set_registers(int pid, struct iovec *given)
{
	struct iovec whole = { area, sizeof area };
	const unsigned long *words = given->base;
	unsigned long length = given->length / WORD, size;
	int before = *__errno_location();

	/* Nor what the host refuses for another reason: it counts in words, and an area has at least its legacy part and header. */
	if (given->length % WORD != 0 || length < EXTENDED || !words)
		return host(SETREGSET, pid, (void *)NT_X86_XSTATE, given);
	if (host(GETREGSET, pid, (void *)NT_X86_XSTATE, &whole) != 0) {
		*__errno_location() = before;
		return host(SETREGSET, pid, (void *)NT_X86_XSTATE, given);
	}
	size = whole.length / WORD;
	if (same_extended(words, length, size)) {
		int done = same(area, words, 0, USED_LEGACY);

		if (done || (words[HEADER] & X87_AND_SSE) == X87_AND_SSE) {
			long result = done ? 0 : host(SETFPREGS, pid, 0, given->base);

			COUNT(done ? 0 : 1);
			/* The host says how much it took. */
			if (result == 0 && given->length > whole.length)
				given->length = whole.length;
			return result;
		}
	}
	COUNT(2);
	if (length >= size)
		return host(SETREGSET, pid, (void *)NT_X86_XSTATE, given);
	memcpy(area, words, given->length);
	memset(area + length, 0, whole.length - given->length);
	return host(SETREGSET, pid, (void *)NT_X86_XSTATE, &whole);
}
#endif

long ptrace(int request, int pid, void *address, void *data)
{
	static int begun;
	long word, result;

	if (!begun) {
		begun = 1;
		/* For this kernel alone: whatever it starts, its own launcher at a reboot included, is started without. */
		unsetenv("LD_PRELOAD");
	}
	if (request >= PEEKTEXT && request <= PEEKUSER) {
		/* The system call stores the word; libc returns it, and clears errno, as -1 may be the word. */
		result = host(request, pid, address, &word);
		if (result < 0)
			return result;
		*__errno_location() = 0;
		return word;
	}
#ifndef NARROW
	if (request == SETREGSET && address == (void *)NT_X86_XSTATE && data)
		return set_registers(pid, data);
#endif
	return host(request, pid, address, data);
}
