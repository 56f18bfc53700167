import { createHash, createHmac, randomBytes } from 'node:crypto';

/** known_hosts files (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT): pure parsing and matching. */

/** One entry with the place it was written. */
export interface KnownHost {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly marker: 'revoked' | 'cert-authority' | undefined;
  /** The first field: a hashed name, or patterns. */
  readonly names: string;
  /** e.g. `ssh-ed25519`. */
  readonly keyType: string;
  /** The key blob in base64, as written. */
  readonly key: string;
}

/** A key as the server shows it. */
export interface HostKey {
  readonly type: string;
  readonly blob: Buffer;
}

/** What the known_hosts files say of a key under a name. */
export type KnownHostVerdict =
  | { readonly kind: 'match'; readonly entry: KnownHost }
  /** The same type of key is known, and it is another key. */
  | { readonly kind: 'mismatch'; readonly known: readonly KnownHost[] }
  /** Keys are known, none of this type. */
  | { readonly kind: 'other-key-type'; readonly known: readonly KnownHost[] }
  | { readonly kind: 'revoked'; readonly entry: KnownHost }
  /** Only a certificate authority is known for the name; certificates are not supported. */
  | { readonly kind: 'ca-only'; readonly entry: KnownHost }
  | { readonly kind: 'unknown' };

/** Lines that are not well-formed are passed over, as OpenSSH does. */
export function parseKnownHosts(text: string, file: string): KnownHost[] {
  const entries: KnownHost[] = [];
  text.split('\n').forEach((raw, index) => {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) return;
    const fields = line.split(/[ \t]+/);
    let marker: KnownHost['marker'];
    if (line.startsWith('@')) {
      const word = fields.shift();
      if (word === '@revoked') marker = 'revoked';
      else if (word === '@cert-authority') marker = 'cert-authority';
      else return;
    }
    const [names, keyType, key] = fields;
    if (names === undefined || keyType === undefined || key === undefined) return;
    if (blobType(Buffer.from(key, 'base64')) !== keyType) return;
    entries.push({ file, line: index + 1, marker, names, keyType, key });
  });
  return entries;
}

/**
 * The name a host goes by in known_hosts: in lower case, with the port unless it is 22.
 */
export function knownHostsName(host: string, port: number): string {
  const name = host.toLowerCase();
  return port === 22 ? name : `[${name}]:${String(port)}`;
}

/** Whether the first field of an entry speaks of `name`. A negated pattern that fits refuses the whole entry. */
function matchesName(names: string, name: string): boolean {
  if (names.startsWith('|')) return matchesHash(names, name);
  let matched = false;
  for (const pattern of names.split(',')) {
    const negated = pattern.startsWith('!');
    if (!wildcard(negated ? pattern.slice(1) : pattern).test(name)) continue;
    if (negated) return false;
    matched = true;
  }
  return matched;
}

function matchesHash(names: string, name: string): boolean {
  const [, version, salt, hash, ...rest] = names.split('|');
  if (version !== '1' || salt === undefined || hash === undefined || rest.length > 0) return false;
  return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === hash;
}

function wildcard(pattern: string): RegExp {
  const source = pattern.toLowerCase().replace(/[^a-z0-9]/g, (character) => (character === '*' ? '.*' : character === '?' ? '.' : `\\${character}`));
  return new RegExp(`^${source}$`, 's');
}

/** The entries that speak of a name. */
export function entriesFor(entries: readonly KnownHost[], name: string): KnownHost[] {
  return entries.filter((entry) => matchesName(entry.names, name));
}

/**
 * Judges the key of `host`. A host at another port than 22 may also be known by its bare name, but only to its favour: as
 * in OpenSSH, another key under the bare name proves nothing.
 * @param name as `knownHostsName` gives it, or a HostKeyAlias
 * @param bareName the host without its port, when that is another name
 */
export function judgeHostKey(entries: readonly KnownHost[], name: string, key: HostKey, bareName?: string): KnownHostVerdict {
  const verdict = judgeName(entriesFor(entries, name), key);
  if (verdict.kind !== 'unknown' || bareName === undefined) return verdict;
  const bare = judgeName(entriesFor(entries, bareName), key);
  return bare.kind === 'match' || bare.kind === 'revoked' ? bare : verdict;
}

function judgeName(entries: readonly KnownHost[], key: HostKey): KnownHostVerdict {
  const blob = key.blob.toString('base64');
  const same = entries.filter((entry) => Buffer.from(entry.key, 'base64').toString('base64') === blob);
  // Before all else: a revoked key must not pass because another line still names it.
  const revoked = same.find(({ marker }) => marker === 'revoked');
  if (revoked !== undefined) return { kind: 'revoked', entry: revoked };
  const match = same.find(({ marker }) => marker === undefined);
  if (match !== undefined) return { kind: 'match', entry: match };
  const known = entries.filter(({ marker }) => marker === undefined);
  const sameType = known.filter(({ keyType }) => keyType === key.type);
  if (sameType.length > 0) return { kind: 'mismatch', known: sameType };
  if (known.length > 0) return { kind: 'other-key-type', known };
  const authority = entries.find(({ marker }) => marker === 'cert-authority');
  return authority === undefined ? { kind: 'unknown' } : { kind: 'ca-only', entry: authority };
}

/** A line for a new host, without its newline; hashed when HashKnownHosts says so. */
export function knownHostsLine(name: string, key: HostKey, hashed: boolean): string {
  return `${hashed ? hashName(name) : name} ${key.type} ${key.blob.toString('base64')}`;
}

function hashName(name: string): string {
  const salt = randomBytes(20);
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`;
}

/** `SHA256:...`, as ssh-keygen -l prints it. */
export function fingerprint(blob: Buffer): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}

/** The type a key blob names (RFC 4253, 6.6); undefined when it is no key blob. */
export function blobType(blob: Buffer): string | undefined {
  if (blob.length < 4) return undefined;
  const length = blob.readUInt32BE(0);
  return length === 0 || length > 64 || blob.length < 4 + length ? undefined : blob.toString('latin1', 4, 4 + length);
}
