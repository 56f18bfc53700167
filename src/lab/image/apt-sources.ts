/** One archive that apt on this machine reads, as far as the image needs it. */
export interface AptSource {
  readonly uri: string;
  readonly suite: string;
  /** Key file that signs it; undefined: apt's own keyring. */
  readonly signedBy: string | undefined;
}

/** The image is Debian 12, whatever this machine is: the lab's kernel and the recipes were tried with it. */
export const SUITE = 'bookworm';
const SUITES = [SUITE, `${SUITE}-updates`, `${SUITE}-security`];

/** Used when this machine's own apt has no archive of the suite. Debian's public name. */
const DEFAULT_SOURCES: readonly AptSource[] = [
  { uri: 'http://deb.debian.org/debian', suite: SUITE, signedBy: undefined },
  { uri: 'http://deb.debian.org/debian', suite: `${SUITE}-updates`, signedBy: undefined },
  { uri: 'http://deb.debian.org/debian-security', suite: `${SUITE}-security`, signedBy: undefined },
];

/** Lines of a `.list` file (sources.list(5)): `deb [signed-by=KEY] URI SUITE COMPONENT...`. */
export function parseListFile(text: string): AptSource[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]*)/.exec(line);
    if (match === null) return [];
    const [, options = '', uri = '', suite = '', components = ''] = match;
    const signedBy = /(?:^|\s)signed-by=(\S+)/.exec(options)?.[1];
    return keep({ uri, suite, signedBy }, components.trim().split(/\s+/));
  });
}

/** Stanzas of a `.sources` file (deb822). A key written inline is left to apt's own keyring. */
export function parseSourcesFile(text: string): AptSource[] {
  const withoutComments = text.replaceAll(/^#.*\n?/gm, '');
  return withoutComments.split(/\n\s*\n/).flatMap((stanza) => {
    const fields = new Map([...stanza.matchAll(/^([A-Za-z-]+):[ \t]*(.*(?:\n[ \t]+.*)*)/gm)].map(([, name = '', value = '']) => [name.toLowerCase(), value.trim()]));
    const words = (name: string): string[] => (fields.get(name) ?? '').split(/\s+/).filter((word) => word !== '');
    if (!words('types').includes('deb') || fields.get('enabled')?.toLowerCase() === 'no') return [];
    const key = fields.get('signed-by');
    const signedBy = key?.startsWith('/') === true ? key.split(/\s+/)[0] : undefined;
    return words('uris').flatMap((uri) => words('suites').flatMap((suite) => keep({ uri, suite, signedBy }, words('components'))));
  });
}

/** Only Debian's own archives: a third party's uses other suites or components. */
function keep(source: AptSource, components: readonly string[]): AptSource[] {
  const suite = source.suite.replace(/\/$/, '');
  return SUITES.includes(suite) && components.includes('main') && /^(https?|file):/.test(source.uri) ? [{ ...source, suite }] : [];
}

/** The sources to build from, as lines of a `.list` file: this machine's own where they hold the suite. */
export function sourceLines(own: readonly AptSource[]): string {
  const sources = own.some((source) => source.suite === SUITE) ? own : DEFAULT_SOURCES;
  return sources.map(({ uri, suite, signedBy }) => `deb ${signedBy === undefined ? '' : `[signed-by=${signedBy}] `}${uri} ${suite} main\n`).join('');
}

/** Of `apt-config dump`, what a network or a mirror needs: proxies, time-outs, checks of dates that a snapshot fails. Each is one `--aptopt`. */
export function aptOptions(dump: string): string[] {
  return dump.split('\n').filter((line) => /^Acquire::(https?::|Retries|Check-Valid-Until|Check-Date|ForceIPv[46]|By-Hash)/.test(line) && !/ "";$/.test(line));
}
