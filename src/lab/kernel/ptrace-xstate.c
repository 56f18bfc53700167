/*
 * Preloaded into user-mode Linux where the CPU keeps more register state than that kernel has room for.
 *
 * PTRACE_SETREGSET of NT_X86_XSTATE takes the XSAVE area only whole: one byte less is EFAULT. With AMX the area is 11,008 bytes;
 * user-mode Linux before 6.13 keeps 2,696, so it could restore no process's registers. Here its bytes go to the host followed by zeros, at
 * the size that the host itself reports: a component that is all zeros is in its initial state, and no guest can use it anyway.
 *
 * Built without libc's headers and start files (tcc alone has neither), into a process that has libc. `ptrace` is declared without `...`:
 * on x86-64 the arguments arrive in the same registers, and tcc's va_arg would need its run-time library.
 *
 * PRETENDED_SIZE, for tests: a host whose area has that many bytes, on a CPU that has less. NARROW: without the cure.
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

enum { SYS_ptrace = 101, PEEKTEXT = 1, PEEKUSER = 3, GETREGSET = 0x4204, SETREGSET = 0x4205, NT_X86_XSTATE = 0x202, EFAULT = 14 };

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
/* Static: the caller's stack is a kernel stack of 16 KB. User-mode Linux calls ptrace from one thread. */
static unsigned char area[65536];

/* Bytes of `area` that may be other than zero. */
static unsigned long used;

/* Of the host's XSAVE area; 0: not asked yet. */
static unsigned long size;

/* Learns the size from the traced process itself. 0 when it cannot be asked now. */
static unsigned long host_size(int pid)
{
	struct iovec whole = { area, sizeof area };
	int before = *__errno_location();

	if (size == 0) {
		if (host(GETREGSET, pid, (void *)NT_X86_XSTATE, &whole) == 0) {
			size = whole.length;
			used = size;
		}
		*__errno_location() = before;
	}
	return size;
}

static long set_registers(int pid, struct iovec *given)
{
	struct iovec whole = { area, host_size(pid) };

	/* Nor what the host refuses for another reason: it counts in words, and an area has at least its legacy part and header. */
	if (given->length >= whole.length || given->length % 8 != 0 || given->length < 576 || !given->base)
		return host(SETREGSET, pid, (void *)NT_X86_XSTATE, given);
	memcpy(area, given->base, given->length);
	if (used > given->length)
		memset(area + given->length, 0, used - given->length);
	used = given->length;
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
