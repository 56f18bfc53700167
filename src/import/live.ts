import { parseAddresses } from '../lvs/host/addresses.ts';
import { KEEPALIVED_CONF } from '../lvs/keepalived/place.ts';
import { FIREWALL_PROGRAMS, type FirewallProgram, readFirewall } from './firewall/read.ts';
import { readTable } from './host/commands.ts';
import { emptySetup, type HostSetup } from './host/setup.ts';
import type { Position } from '../core/errors.ts';

/** What a host said of itself. */
export interface LiveHost {
  readonly setup: HostSetup;
  /** /etc/keepalived, path -> text; empty without keepalived. */
  readonly files: ReadonlyMap<string, string>;
}

/** Bytes of one file that are read. */
const LIMIT = 1_000_000;

/**
 * Everything an import wants of a host, in one request. Needs root: the table and keepalived.conf are for root only.
 * @param nonce hexadecimal, unpredictable: what a file holds cannot imitate a section
 */
export function liveScript(nonce: string): string {
  const section = (name: string): string => `printf '\\n${nonce} %s\\n' ${name}`;
  return [
    section('addresses'),
    'ip -o addr show || exit 1',
    section('sysctls'),
    // The shell's own `read` takes a byte at a time, and the kernel answers the second with end of file.
    'grep -Hs "" /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf/*/arp_ignore /proc/sys/net/ipv4/conf/*/arp_announce /proc/sys/net/ipv4/conf/*/send_redirects',
    section('route'),
    'ip -4 route show default 2>/dev/null',
    'ip -6 route show default 2>/dev/null',
    ...firewallSections(section),
    section('table'),
    // A host whose kernel has no IPVS yet must not load it for being asked.
    'if [ -e /proc/net/ip_vs ] && command -v ipvsadm >/dev/null 2>&1; then ipvsadm -Sn; fi',
    `for file in ${KEEPALIVED_CONF} /etc/keepalived/*.conf /etc/keepalived/*.inc /etc/keepalived/*/*.conf; do`,
    `  if [ -f "$file" ] && [ -r "$file" ]; then printf '\\n${nonce} file %s\\n' "$file"; head -c ${String(LIMIT)} "$file"; fi`,
    'done',
    `printf '\\n${nonce} end\\n'`,
  ].join('\n');
}

/** Every rule of every table that is there; none is loaded for being asked. Legacy tables beside those of iptables-nft are told by programs of their own. */
function firewallSections(section: (name: string) => string): string[] {
  const run = (program: FirewallProgram, command: string): string => `if command -v ${command.split(' ')[0] ?? ''} >/dev/null 2>&1; then ${section(program)}; ${command} 2>/dev/null; fi`;
  const [legacy, plain] = [FIREWALL_PROGRAMS.filter((one) => one.includes('legacy')), FIREWALL_PROGRAMS.filter((one) => !one.includes('legacy') && one !== 'nft')];
  return [
    ...plain.map((program) => run(program, program)),
    `case $(iptables -V 2>/dev/null) in *nf_tables*)`,
    ...legacy.map((program) => `if [ -s /proc/net/${program.startsWith('ip6') ? 'ip6' : 'ip'}_tables_names ]; then ${run(program, program)}; fi`),
    ';; esac',
    run('nft', 'nft list ruleset'),
  ];
}

/** Pure. @param name its inventory name, when it has one @param asked how it was called, for positions @throws Error when the answer is incomplete */
export function parseLive(name: string | undefined, address: string | undefined, output: string, nonce: string, asked: string): LiveHost {
  const sections = new Map<string, string>();
  const pieces = output.split(new RegExp(`\\n${nonce} (\\S+(?: [^\\n]*)?)\\n`));
  if (pieces.at(-2) !== 'end') throw new Error('the answer is incomplete');
  for (let at = 1; at < pieces.length; at += 2) {
    const heading = pieces[at] ?? '';
    if (!sections.has(heading)) sections.set(heading, pieces[at + 1] ?? '');
  }
  const files = new Map([...sections].flatMap(([heading, text]) => (heading.startsWith('file ') ? [[heading.slice('file '.length), text] as const] : [])));
  const addresses = parseAddresses(sections.get('addresses') ?? '');
  const setup = emptySetup(name, address);
  const position: Position = { file: asked, line: 0, column: 0 };
  // Said by a host, none of these has an order.
  for (const one of addresses) if (one.interface !== 'lo' || !/^(127\.|::1$)/.test(one.address)) setup.addresses.push({ ...one, position, order: 0 });
  for (const [, key = '', value = ''] of (sections.get('sysctls') ?? '').matchAll(/^\/proc\/sys\/([^:]+):(\d+)$/gm)) setup.sysctls.push({ key, value, position, order: 0, transient: false });
  // The first one of a family has the lowest metric, and is the one in use.
  const gateways = [...(sections.get('route') ?? '').matchAll(/^default via (\S+)/gm)].map(([, via = '']) => via);
  for (const via of [gateways.find((one) => !one.includes(':')), gateways.find((one) => one.includes(':'))]) if (via !== undefined) setup.gateways.push({ via, position });
  readFirewall(new Map(FIREWALL_PROGRAMS.map((program) => [program, sections.get(program) ?? ''])), asked, setup);
  readTable(sections.get('table') ?? '', `${asked}: ipvsadm -Sn`, setup);
  return { setup, files };
}

/** The file that keepalived reads first; undefined without keepalived. */
export function mainFile({ files }: LiveHost): string | undefined {
  return files.has(KEEPALIVED_CONF) ? KEEPALIVED_CONF : undefined;
}
