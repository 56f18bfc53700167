import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { LvsPlayError } from '../../core/errors.ts';
import type { StrictHostKeyChecking } from '../known-hosts/host-key.ts';

/** What ssh_config says of a host: the output of `ssh -G`, parsed purely. */
export interface SshSettings {
  /** As it was asked for, before HostName. */
  readonly alias: string;
  readonly hostName: string;
  readonly user: string;
  readonly port: number;
  /** Paths, tilde and tokens expanded. */
  readonly identityFiles: readonly string[];
  readonly identitiesOnly: boolean;
  /** Path of the agent's socket; undefined: SSH_AUTH_SOCK; null: none. */
  readonly identityAgent: string | null | undefined;
  readonly userKnownHostsFiles: readonly string[];
  readonly globalKnownHostsFiles: readonly string[];
  readonly strictHostKeyChecking: StrictHostKeyChecking;
  readonly hashKnownHosts: boolean;
  readonly hostKeyAlias: string | undefined;
  /** In the order of travel: the first is reached from here. */
  readonly proxyJump: readonly string[];
  /** Tokens expanded; a command line for sh. */
  readonly proxyCommand: string | undefined;
  /** Seconds; 0: not set. */
  readonly serverAliveInterval: number;
  readonly serverAliveCountMax: number;
  /** Seconds. */
  readonly connectTimeout: number | undefined;
  readonly addressFamily: 4 | 6 | undefined;
  readonly bindAddress: string | undefined;
  readonly compression: boolean;
  /** Authentication methods that are allowed, in order. */
  readonly methods: readonly AuthMethodName[];
  /** Only what someone set: lists that differ from the built-in ones of the local ssh. */
  readonly algorithms: SshAlgorithms;
}

export type AuthMethodName = 'publickey' | 'keyboard-interactive' | 'password';

export interface SshAlgorithms {
  readonly kex: readonly string[] | undefined;
  readonly ciphers: readonly string[] | undefined;
  readonly macs: readonly string[] | undefined;
  readonly hostKeys: readonly string[] | undefined;
}

/** `ssh -G` output or the like: lower-case keywords with all their values. */
export type SshOptions = ReadonlyMap<string, readonly string[]>;

export interface LocalFacts {
  readonly home: string;
  readonly user: string;
}

export function parseSshOptions(output: string): SshOptions {
  const options = new Map<string, string[]>();
  for (const line of output.split('\n')) {
    const match = /^(\S+) (.*)$/.exec(line.trimEnd());
    if (match === null) continue;
    const [, keyword = '', value = ''] = match;
    const values = options.get(keyword.toLowerCase());
    if (values === undefined) options.set(keyword.toLowerCase(), [value]);
    else values.push(value);
  }
  return options;
}

/**
 * The options that ssh arguments set by themselves, for a controller without an ssh binary: `-o K=V`, `-p`, `-l`, `-i`, `-J`. The first
 * value of a keyword counts, as in ssh.
 */
export function optionsFromArgs(args: readonly string[], local: LocalFacts, address: string): SshOptions {
  const lines: string[] = [];
  const short: Readonly<Record<string, string>> = { p: 'port', l: 'user', i: 'identityfile', J: 'proxyjump' };
  const withValue = 'BbcDEeFIiJLlmOopQRSWw';
  for (let at = 0; at < args.length; at++) {
    const match = /^-([A-Za-z])(.*)$/.exec(args[at] ?? '');
    if (match === null) continue;
    const [, letter = '', attached = ''] = match;
    if (!withValue.includes(letter)) continue;
    const value = attached === '' ? (args[++at] ?? '') : attached;
    const keyword = short[letter];
    if (letter === 'o') lines.push(value.replace(/^\s*(\w+)(?:\s*=\s*|\s+)"?(.*?)"?$/, (_, key: string, text: string) => `${key.toLowerCase()} ${text}`));
    else if (keyword !== undefined) lines.push(`${keyword} ${value}`);
  }
  const defaults = [
    `hostname ${address}`,
    `user ${local.user}`,
    ...['rsa', 'ecdsa', 'ed25519'].map((type) => `identityfile ~/.ssh/id_${type}`),
    'userknownhostsfile ~/.ssh/known_hosts ~/.ssh/known_hosts2',
    'globalknownhostsfile /etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2',
  ];
  const given = parseSshOptions(lines.join('\n'));
  const fallback = parseSshOptions(defaults.join('\n'));
  return new Map([...fallback, ...given]);
}

/**
 * @param options of the host
 * @param builtIn what ssh says with no configuration at all, to tell which algorithms someone chose
 */
export function sshSettings(alias: string, options: SshOptions, builtIn: SshOptions, local: LocalFacts): SshSettings {
  const one = (keyword: string): string | undefined => {
    const value = options.get(keyword)?.[0];
    return value === undefined || value.toLowerCase() === 'none' ? undefined : value;
  };
  const yes = (keyword: string, unset: boolean): boolean => {
    const value = one(keyword)?.toLowerCase();
    // `unbound` and `host-bound` are ways of PubkeyAuthentication being on.
    return value === undefined ? unset : value !== 'no' && value !== 'false';
  };
  const chosen = (keyword: string): string[] | undefined => {
    const value = one(keyword);
    return value === undefined || value === builtIn.get(keyword)?.[0] ? undefined : value.split(',');
  };
  const hostName = one('hostname') ?? alias;
  const user = one('user') ?? local.user;
  const port = Number(one('port') ?? '22');
  const jumps = one('proxyjump');
  const tokens: Tokens = { alias, hostName, user, port, jumps: jumps ?? '', hostKeyAlias: one('hostkeyalias') ?? alias, local };
  const paths = (values: readonly string[]): string[] => values.filter((value) => value.toLowerCase() !== 'none').map((value) => expandPath(value, tokens));
  return {
    alias,
    hostName,
    user,
    port,
    identityFiles: [...new Set(paths(options.get('identityfile') ?? []))],
    identitiesOnly: yes('identitiesonly', false),
    identityAgent: identityAgent(options.get('identityagent')?.[0], tokens),
    userKnownHostsFiles: paths((options.get('userknownhostsfile')?.[0] ?? '').split(' ').filter((file) => file !== '')),
    globalKnownHostsFiles: paths((options.get('globalknownhostsfile')?.[0] ?? '').split(' ').filter((file) => file !== '')),
    strictHostKeyChecking: strictness(one('stricthostkeychecking')),
    hashKnownHosts: yes('hashknownhosts', false),
    hostKeyAlias: one('hostkeyalias'),
    proxyJump: jumps?.split(',') ?? [],
    proxyCommand: proxyCommand(one('proxycommand'), tokens),
    serverAliveInterval: Number(one('serveraliveinterval') ?? '0'),
    serverAliveCountMax: Number(one('serveralivecountmax') ?? '3'),
    connectTimeout: one('connecttimeout') === undefined ? undefined : Number(one('connecttimeout')),
    addressFamily: one('addressfamily') === 'inet' ? 4 : one('addressfamily') === 'inet6' ? 6 : undefined,
    bindAddress: one('bindaddress'),
    compression: yes('compression', false),
    methods: methods(one('preferredauthentications'), yes),
    algorithms: { kex: chosen('kexalgorithms'), ciphers: chosen('ciphers'), macs: chosen('macs'), hostKeys: chosen('hostkeyalgorithms') },
  };
}

function methods(preferred: string | undefined, yes: (keyword: string, unset: boolean) => boolean): AuthMethodName[] {
  const allowed: Readonly<Record<AuthMethodName, boolean>> = {
    publickey: yes('pubkeyauthentication', true),
    'keyboard-interactive': yes('kbdinteractiveauthentication', true),
    password: yes('passwordauthentication', true),
  };
  const names = (preferred ?? 'publickey,keyboard-interactive,password').split(',');
  return names.filter((name): name is AuthMethodName => Object.hasOwn(allowed, name) && allowed[name as AuthMethodName]);
}

function strictness(value: string | undefined): StrictHostKeyChecking {
  switch (value?.toLowerCase()) {
    case 'yes':
    case 'true':
      return 'yes';
    case 'no':
    case 'off':
    case 'false':
      return 'no';
    case 'accept-new':
      return 'accept-new';
    default:
      return 'ask';
  }
}

interface Tokens {
  readonly alias: string;
  readonly hostName: string;
  readonly user: string;
  readonly port: number;
  readonly jumps: string;
  readonly hostKeyAlias: string;
  readonly local: LocalFacts;
}

function identityAgent(value: string | undefined, tokens: Tokens): string | null | undefined {
  if (value === undefined || value === 'SSH_AUTH_SOCK') return undefined;
  if (value.toLowerCase() === 'none') return null;
  if (value.startsWith('$')) return process.env[value.replace(/^\$\{?|\}$/g, '')] ?? null;
  return expandPath(value, tokens);
}

/**
 * ProxyCommand knows fewer tokens than paths do. Its values stand unquoted in a command line that its author may have quoted, so a
 * value that a shell would not take as one plain word is refused instead of quoted.
 */
function proxyCommand(command: string | undefined, tokens: Tokens): string | undefined {
  if (command === undefined) return undefined;
  for (const value of [tokens.hostName, tokens.alias, tokens.user]) {
    if (/^[\w.:%@+-]+$/.test(value)) continue;
    throw new LvsPlayError({ code: 'ssh-arguments', kind: 'input', host: tokens.alias, message: `${JSON.stringify(value)} cannot be handed to a ProxyCommand`, hint: 'host and user names may hold letters, digits and . : % @ + - _' });
  }
  return expandTokens(command, tokens, '%hnpr');
}

function expandPath(path: string, tokens: Tokens): string {
  const expanded = expandTokens(path, tokens, '%CdhikLlnpruj').replace(/\$\{(\w+)\}/g, (_, name: string) => process.env[name] ?? '');
  return expanded === '~' || expanded.startsWith('~/') ? tokens.local.home + expanded.slice(1) : expanded;
}

/** The tokens of ssh_config(5), TOKENS; one that is not in `known` stays as it is. */
function expandTokens(text: string, tokens: Tokens, known: string): string {
  return text.replace(/%(.)/g, (whole, letter: string) => (known.includes(letter) ? token(letter, tokens) : whole));
}

function token(letter: string, { alias, hostName, user, port, jumps, hostKeyAlias, local }: Tokens): string {
  switch (letter) {
    case 'C':
      return createHash('sha1').update(hostname() + hostName + String(port) + user + jumps).digest('hex');
    case 'd':
      return local.home;
    case 'h':
      return hostName;
    case 'i':
      return String(process.getuid?.() ?? 0);
    case 'j':
      return jumps;
    case 'k':
      return hostKeyAlias;
    case 'L':
      return hostname().split('.')[0] ?? '';
    case 'l':
      return hostname();
    case 'n':
      return alias;
    case 'p':
      return String(port);
    case 'r':
      return user;
    case 'u':
      return local.user;
    default:
      return letter;
  }
}
