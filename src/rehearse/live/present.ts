import { shellQuote } from '../../core/text/quote.ts';

/** What is read of a live host and put onto its replica. */
export interface Present {
  /** Of those that a lab's nodes have in store. */
  readonly packages: readonly string[];
  readonly units: readonly { readonly name: string; readonly enabled: boolean; readonly active: boolean }[];
  /** Below /proc/sys, as an interface's name may have a dot: `net/ipv4/vs/conn_reuse_mode` -> `3`. */
  readonly sysctls: ReadonlyMap<string, string>;
  /** A tar file in base64; it may hold passwords, and is neither logged nor kept. */
  readonly files: string;
  readonly names: readonly string[];
}

/** What a lab's nodes can install; anything else does not exist there. */
const PACKAGES = ['ipvsadm', 'keepalived', 'nginx-light', 'ipset', 'conntrack', 'iptables', 'arptables', 'nftables', 'rsyslog', 'cron'];
const UNITS = ['lvs-director.service', 'lvs-real-server.service', 'keepalived.service', 'nginx.service'];
/** Relative to /, as tar takes them. */
const PLACES = ['etc/keepalived', 'usr/local/sbin/lvs-*', 'usr/local/libexec/lvs-play', 'etc/systemd/system/lvs-*.service', 'etc/sysctl.d/*lvs*', 'etc/modules-load.d/*lvs*'];
const SYSCTLS = '/proc/sys/net/ipv4/vs/* /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf/*/arp_ignore /proc/sys/net/ipv4/conf/*/arp_announce /proc/sys/net/ipv4/conf/*/rp_filter /proc/sys/net/ipv4/conf/*/send_redirects';
/** Bytes of files: what belongs to a director is a few kilobytes. */
const LIMIT = 4_000_000;

/** What does not come along, for the report. */
export const NOT_CARRIED = 'not carried over: IPVS entries, addresses, routes and firewall rules that nothing of this sets; contents of web servers; packages that the lab has not in store';

/** Reads only. As root: keepalived.conf is for root only. @param nonce unpredictable: no file can imitate a section */
export function presentScript(nonce: string): string {
  const section = (name: string): string => `printf '\\n${nonce} %s\\n' ${name}`;
  return [
    'cd / || exit 1',
    section('packages'),
    `dpkg-query -W -f '\${Package} \${db:Status-Status}\\n' ${PACKAGES.join(' ')} 2>/dev/null`,
    section('units'),
    `for unit in ${UNITS.join(' ')}; do echo "$unit $(systemctl is-enabled "$unit" 2>/dev/null) / $(systemctl is-active "$unit" 2>/dev/null)"; done`,
    section('sysctls'),
    // The shell's own `read` takes a byte at a time, and the kernel answers the second with end of file.
    `grep -Hs "" ${SYSCTLS}`,
    section('names'),
    `for name in ${PLACES.join(' ')}; do if [ -e "$name" ]; then echo "$name"; fi; done`,
    section('files'),
    `set --; for name in ${PLACES.join(' ')}; do if [ -e "$name" ]; then set -- "$@" "$name"; fi; done`,
    `if [ $# -gt 0 ]; then tar -czf - -- "$@" 2>/dev/null | head -c ${String(LIMIT)} | base64; fi`,
    `printf '\\n${nonce} end\\n'`,
  ].join('\n');
}

/** Pure. @throws Error when the answer is incomplete */
export function parsePresent(output: string, nonce: string): Present {
  const pieces = output.split(new RegExp(`\\n${nonce} (\\S+)\\n`));
  if (pieces.at(-2) !== 'end') throw new Error('the answer is incomplete');
  const section = (name: string): string[] => (pieces[pieces.indexOf(name) + 1] ?? '').split('\n').filter((line) => line !== '');
  return {
    packages: section('packages').filter((line) => line.endsWith(' installed')).map((line) => line.split(' ')[0] ?? '').filter((name) => PACKAGES.includes(name)),
    units: section('units').flatMap((line) => {
      const [, name = '', enabled, active] = /^(\S+) ?(\S*) \/ ?(\S*)$/.exec(line) ?? [];
      return UNITS.includes(name) ? [{ name, enabled: enabled === 'enabled', active: active === 'active' }] : [];
    }),
    sysctls: new Map(section('sysctls').flatMap((line) => {
      const [, key = '', value = ''] = /^\/proc\/sys\/([\w./-]+):(-?\d+)$/.exec(line) ?? [];
      return key === '' || key.includes('..') ? [] : [[key, value] as const];
    })),
    // Nothing but base64 may reach the node's decoder.
    files: section('files').join('').replaceAll(/[^A-Za-z0-9+/=]/g, ''),
    names: section('names'),
  };
}

/** What puts it onto a node, as root; the files come on its stdin. What it cannot do it says on stdout, a line each. Pure. */
export function putScript({ packages, units, sysctls, files }: Present): string {
  const there = units.filter(({ active, enabled }) => active || enabled);
  return [
    'export DEBIAN_FRONTEND=noninteractive',
    ...packages.map((name) => `apt-get -qq -y install ${shellQuote(name)} >/dev/null 2>&1 </dev/null || echo ${shellQuote(`package ${name}`)}`),
    files === '' ? 'cat >/dev/null' : 'base64 -d | tar -xzf - -C / || echo "its files"',
    'systemctl daemon-reload',
    'systemctl restart systemd-modules-load.service >/dev/null 2>&1',
    ...[...sysctls].map(([key, value]) => `if [ -e ${shellQuote(`/proc/sys/${key}`)} ]; then echo ${shellQuote(value)} >${shellQuote(`/proc/sys/${key}`)}; fi 2>/dev/null`),
    ...there.map(({ name, active, enabled }) => `${[...(enabled ? [`systemctl -q enable ${shellQuote(name)} 2>/dev/null`] : []), ...(active ? [`systemctl restart ${shellQuote(name)} 2>/dev/null`] : [])].join(' && ')} || echo ${shellQuote(`unit ${name}`)}`),
    ...units.filter(({ active, enabled }) => !active && !enabled).map(({ name }) => `systemctl -q disable --now ${shellQuote(name)} >/dev/null 2>&1`),
    'exit 0',
  ].join('\n');
}
