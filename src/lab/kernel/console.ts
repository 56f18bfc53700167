/** Why a node's kernel ended, or does not answer, and what to do about it. */
export interface Cause {
  /** What is wrong, as the end of a sentence. */
  readonly what: string;
  /** What to type or change. */
  readonly fix: string;
}

export interface ConsoleReading {
  /** The lines that say it: the panic and the line before it, else the last ones; at most three. Empty for a console that says nothing. */
  readonly said: readonly string[];
  /** Undefined: not one of the causes that are known. */
  readonly cause: Cause | undefined;
}

const AGAIN = 'recreate the lab: lvs-play lab down, lvs-play lab up';

/** Known causes, the more telling first: one of them often leads to the words of another. Each was seen with user-mode Linux 6.1, or is in its text. */
const CAUSES: readonly (Cause & { readonly says: RegExp })[] = [
  {
    says: /object '[^']*' from LD_PRELOAD cannot be preloaded/,
    what: "the library for this CPU's register state is missing, or cannot be loaded",
    fix: `make sure that the file system of ~/.local/state (XDG_STATE_HOME) is not mounted noexec, and ${AGAIN}`,
  },
  {
    says: /ptrace set fp regs failed, errno = 14/,
    what: 'this CPU has more register state (AMX) than the kernel of a node can hold',
    fix: `apt-get install tcc, which builds a library that works around it, and ${AGAIN}`,
  },
  {
    says: /check_(ptrace|sysemu)\b.*(expected|failed|exited)|^ptrace: Operation not permitted/m,
    what: 'this machine forbids ptrace, which the kernel of a node needs to run its processes',
    fix: 'a container needs --privileged, or --cap-add SYS_PTRACE with a seccomp profile that allows ptrace; on the machine itself kernel.yama.ptrace_scope must be below 3',
  },
  {
    says: /must be not mounted noexec/,
    what: "the nodes' memory lies on a file system that is mounted noexec",
    fix: 'mount -o remount,exec /dev/shm',
  },
  {
    says: /likely just ran out of space/,
    what: "the file system that holds the nodes' memory is full",
    fix: 'free space in /dev/shm (df -h /dev/shm), or enlarge it: mount -o remount,size=4G /dev/shm',
  },
  {
    says: /UML ran out of memory on the host side/,
    what: 'this machine has no memory left for the node, or reached its limit of memory maps',
    fix: 'free memory, or raise the limit: sysctl vm.max_map_count=262144',
  },
  {
    says: /Too few physical memory|deadlocked on memory|Out of memory: Killed process/,
    what: 'the node has too little memory',
    fix: 'raise lab_memory of this host in the inventory (MiB; default 160)',
  },
  {
    says: /Couldn't stat "|Failed to get (size|modification time) of backing file/,
    what: "the base image of the node's disk is missing",
    fix: `${AGAIN}, which rebuilds the image`,
  },
  {
    says: /Backing file mismatch|(mtime|Size) mismatch .*backing file/,
    what: "the base image is not the one that the node's disk was made from",
    fix: AGAIN,
  },
  {
    says: /critical space allocation error|errno = 28\b|err = -?28\b|No space left on device/,
    what: "the file system that holds the nodes' disks is full",
    fix: `free space under ~/.local/state (XDG_STATE_HOME), and ${AGAIN}`,
  },
  {
    says: /Failed to read COW header|read_cow_header - /,
    what: "the node's disk is cut off or damaged; a full file system leaves it so",
    fix: `make sure that there is room under ~/.local/state (XDG_STATE_HOME), and ${AGAIN}`,
  },
  {
    says: /uml_tap: failed to select tap interface/,
    what: "another process holds the node's network tap, such as an earlier kernel of the same node",
    fix: AGAIN,
  },
  {
    says: /uml_tap: failed to open tun device/,
    what: '/dev/net/tun cannot be opened',
    fix: 'modprobe tun on the machine itself; a container needs --privileged, or --device /dev/net/tun',
  },
  {
    says: /linux\.uml: (command )?not found/,
    what: 'the kernel of the nodes is not installed',
    fix: 'apt-get install user-mode-linux',
  },
  {
    says: /Unable to mount root fs/,
    what: 'the kernel cannot read its disk',
    fix: `${AGAIN}; if that does not help, delete ~/.cache/lvs-play/lab first, so that the image is rebuilt`,
  },
];

const KILLED: Cause = {
  what: 'it ended without an error, so something killed it; usually this machine ran out of memory',
  fix: 'find out what was killed: dmesg | grep -i oom; then free memory, or boot fewer nodes',
};

/** Lines that stand on every console and say nothing about a failure, and the stack of a panic. */
const NOISE = /^(SELinux:|mmapper_init|systemd\[1\]: Failed to find module|CPU: \d|Stack:|Call Trace:|Workqueue:|[0-9a-f]{8}\b| \[<| [0-9a-f]{8}\b|\s*$)/;

/**
 * Pure: what a node's console says about why it does not answer.
 * @param text of its last start
 * @param ended whether the kernel has ended; else it runs and does not answer
 */
export function readConsole(text: string, ended: boolean): ConsoleReading {
  // A kernel that dies before its console is up prints its whole log, each line with its level.
  const all = text.split('\n').map((line) => line.replace(/^<\d>/, '').replaceAll('\r', ''));
  const lines = all.filter((line) => !NOISE.test(line));
  const clean = all.join('\n');
  const cause = CAUSES.find(({ says }) => says.test(clean));
  const panic = lines.findIndex((line) => line.includes('Kernel panic'));
  if (panic >= 0) return { said: telling(lines.slice(0, panic), cause).concat(lines.slice(panic, panic + 1)), cause };
  const silent = ended && cause === undefined ? KILLED : undefined;
  return { said: cause === undefined ? lines.slice(-3) : telling(lines, cause), cause: cause ?? silent };
}

/** The line that names the cause, and the last one, if that is another. */
function telling(lines: readonly string[], cause: (Cause & { readonly says: RegExp }) | undefined): string[] {
  const last = lines.at(-1);
  const naming = cause === undefined ? undefined : lines.findLast((line) => cause.says.test(line));
  return [...new Set([naming, last].filter((line) => line !== undefined))];
}
