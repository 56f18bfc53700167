import { defineFact } from '../contract.ts';

/** The boot that a host is in. */
export type BootState = {
  /** As the kernel names this boot; another one after every restart. */
  readonly id: string;
  /** `uname -r`. */
  readonly release: string;
  /** Why the host should be restarted, in words; null: nothing asks for it. */
  readonly due: string | null;
};

/** The one key. */
export const THIS_BOOT = 'now';

/** The name that Debian and Ubuntu give the wish of an installed package. */
const REQUIRED = '/run/reboot-required';

/**
 * Key: `now`. A restart is due when a package asked for it, or a newer kernel than the running one is installed (Debian: also one of the same name and another
 * version, which /proc/version tells).
 */
export const bootFact = defineFact<BootState>({
  name: 'boot',
  summary: 'the running kernel, and whether a restart is due',
  script: () =>
    [
      'read -r id </proc/sys/kernel/random/boot_id; echo "id $id"',
      'read -r release </proc/sys/kernel/osrelease; echo "release $release"',
      'read -r version </proc/version; echo "version $version"',
      `if [ -e ${REQUIRED} ]; then echo required; fi`,
      'for image in /boot/vmlinuz-*; do if [ -e "$image" ]; then echo "image ${image#/boot/vmlinuz-}"; fi; done',
      // Another process only where a kernel of the distribution runs.
      'if [ -e "/boot/vmlinuz-$release" ] && command -v dpkg-query >/dev/null; then echo "package $(dpkg-query -W -f \'${Version}\' "linux-image-$release" 2>/dev/null)"; fi',
      ':',
    ].join('\n'),
  parse: (output, keys) => {
    const lines = output.toString('utf8').trim().split('\n');
    const of = (word: string): string[] => lines.flatMap((line) => (line === word || line.startsWith(`${word} `) ? [line.slice(word.length + 1)] : []));
    const [id = ''] = of('id');
    const [release = ''] = of('release');
    if (id === '' || release === '') throw new Error('the kernel does not name its boot');
    const due = of('required').length > 0 ? `${REQUIRED} is there` : dueKernel(release, of('version')[0] ?? '', of('image'), of('package')[0] ?? '');
    return new Map(keys.map((key) => [key, { id, release, due }]));
  },
  // A restart by somebody else in between changes nothing that a plan rests on but this.
  aspects: ({ release, due }) => ({ kernel: release, 'restart due': due }),
});

function dueKernel(release: string, version: string, images: readonly string[], packaged: string): string | null {
  // A container's host, or a kernel that was built elsewhere: nothing can be told.
  if (!images.includes(release)) return null;
  const newest = images.filter((image) => !image.includes('rescue') && flavour(image) === flavour(release)).sort(compareReleases).at(-1);
  if (newest !== undefined && newest !== release) return `kernel ${newest} is installed, ${release} runs`;
  const [, running] = / Debian (\S+)/.exec(version) ?? [];
  return running === undefined || packaged === '' || running === packaged ? null : `kernel ${packaged} is installed, ${running} runs`;
}

/** `-amd64`, `-cloud-amd64`, `-rt-amd64`: a host stays with its own. */
function flavour(release: string): string {
  return /(?:-[a-z][a-z0-9_]*)*$/.exec(release)?.[0] ?? '';
}

/** Part by part, as rpm does it: numbers by value, a number before letters is the newer one, and so is what goes on longer. */
function compareReleases(one: string, other: string): number {
  const parts = (release: string): readonly string[] => release.match(/\d+|[a-z]+/gi) ?? [];
  const [a, b] = [parts(one), parts(other)];
  for (let at = 0; at < Math.min(a.length, b.length); at++) {
    const [x, y] = [a[at] ?? '', b[at] ?? ''];
    const [isNumber, otherIsNumber] = [/^\d/.test(x), /^\d/.test(y)];
    if (isNumber !== otherIsNumber) return isNumber ? 1 : -1;
    const order = isNumber ? Number(x) - Number(y) : x < y ? -1 : x > y ? 1 : 0;
    if (order !== 0) return order;
  }
  return a.length - b.length;
}
