import { LvsPlayError } from '../core/errors.ts';
import { parseIp } from '../lvs/model/ip.ts';
import { readSavedRules } from './firewall/read.ts';
import { readNftText, readScript, readSysctlFile, readTable } from './host/commands.ts';
import { emptySetup, type HostSetup } from './host/setup.ts';

export type SourceKind = 'keepalived' | 'ipvsadm' | 'script' | 'sysctl' | 'iptables' | 'nft';
export const SOURCE_KINDS: readonly SourceKind[] = ['keepalived', 'ipvsadm', 'script', 'sysctl', 'iptables', 'nft'];

/** A file of the command line: `FILE`, `HOST=FILE` or `HOST@ADDRESS=FILE`. */
export interface SourceFile {
  readonly host: string | undefined;
  /** Of the host, when written. */
  readonly address: string | undefined;
  readonly path: string;
}

/** @throws LvsPlayError kind `usage` for a host name or address that is none */
export function parseSource(argument: string): SourceFile {
  const [, host, address, path] = /^([^=/@]+)(?:@([^=/]+))?=(.+)$/s.exec(argument) ?? [];
  if (host === undefined || path === undefined) return { host: undefined, address: undefined, path: argument };
  const ip = address === undefined ? undefined : parseIp(address)?.address;
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(host) || (address !== undefined && ip === undefined)) {
    throw new LvsPlayError({ code: 'bad-source', kind: 'usage', message: `${argument} is no HOST=FILE`, hint: 'write lvs1=lvs_dr.sh, or with its own address lvs1@192.168.0.8=lvs_dr.sh' });
  }
  const named = parseIp(host);
  return named === undefined ? { host, address: ip, path } : { host: undefined, address: named.address, path };
}

/** What a text is, by its content. Undefined: none that is known. */
export function detectKind(text: string): SourceKind | undefined {
  const lines = text.split('\n').map((line) => line.trim()).filter((line) => line !== '' && !/^[#;!]/.test(line));
  if (lines.some((line) => /^(global_defs|vrrp_instance|vrrp_sync_group|vrrp_script|virtual_server|virtual_server_group|static_ipaddress|bfd_instance|track_file|vrrp_track_process)\b/.test(line)) || (lines.length > 0 && lines.every((line) => /^(include|\$\w+\s*=|@)/.test(line)) && lines.some((line) => line.startsWith('include')))) return 'keepalived';
  if (/^#!.*\bnft\b/.test(text)) return 'nft';
  if (text.startsWith('#!')) return 'script';
  if (lines.some((line) => /^\*(nat|mangle|filter|raw|security)$/.test(line))) return 'iptables';
  if (lines.some((line) => /^table\s+\S.*\{$/.test(line)) && lines.some((line) => /^chain\s+\S/.test(line))) return 'nft';
  if (lines.length > 0 && lines.every((line) => /^-(A|a)\s/.test(line) || /^--add-/.test(line))) return 'ipvsadm';
  if (lines.length > 0 && lines.every((line) => /^-?[a-z0-9_][\w./-]*\s*=\s*\S/.test(line) && line.split('=')[0]?.includes('.') === true)) return 'sysctl';
  return lines.some((line) => /^(sudo\s+)?(\S*\/)?(ipvsadm|ifconfig|ip|route|sysctl|iptables|nft|echo|for|if|case)\b|^[A-Za-z_]\w*=|^\$\w+\s+-[AaCEe]\b/.test(line)) ? 'script' : undefined;
}

/** Reads a text that is no keepalived.conf into a host's setup. */
export function readInto(setup: HostSetup, kind: Exclude<SourceKind, 'keepalived'>, text: string, file: string): void {
  if (kind === 'ipvsadm') readTable(text, file, setup);
  else if (kind === 'sysctl') readSysctlFile(text, file, setup);
  else if (kind === 'iptables') readSavedRules(text, undefined, { file, line: 1 }, setup);
  else if (kind === 'nft') readNftText({ text, position: { file, line: 1, column: 1 } }, setup);
  else readScript(text, file, setup);
}

/** One setup for each host that is named, and one for each file without a host. */
export class Setups {
  readonly #byHost = new Map<string, HostSetup>();
  readonly #loose: HostSetup[] = [];

  of({ host, address }: SourceFile): HostSetup {
    const key = host ?? address;
    const known = key === undefined ? undefined : this.#byHost.get(key);
    if (known !== undefined) return known;
    const setup = emptySetup(host, address);
    if (key === undefined) this.#loose.push(setup);
    else this.#byHost.set(key, setup);
    return setup;
  }

  all(): readonly HostSetup[] {
    return [...this.#byHost.values(), ...this.#loose];
  }
}
