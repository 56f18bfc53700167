import { readFile, stat } from 'node:fs/promises';
import ssh2 from 'ssh2';
import type { BaseAgent, ParsedKey } from 'ssh2';
import { messageOf } from '../../core/errors.ts';

/** A private key file, as far as it could be read without a passphrase. */
export type KeyFile =
  | { readonly kind: 'plain'; readonly path: string; readonly key: ParsedKey }
  /** Encrypted; the public part is known, so the passphrase is asked for only when the server would take the key. */
  | { readonly kind: 'locked'; readonly path: string; readonly publicKey: ParsedKey; unlock(): Promise<ParsedKey | undefined> }
  | { readonly kind: 'missing'; readonly path: string }
  | { readonly kind: 'unusable'; readonly path: string; readonly reason: string };

/** Asks the operator; undefined gives up. */
export type AskPassphrase = (path: string) => Promise<string | undefined>;

const PASSPHRASE_TRIES = 3;

/** The key files of a run: each read, and each passphrase asked for, once for all hosts. */
export class KeyStore {
  readonly #ask: AskPassphrase | undefined;
  readonly #files = new Map<string, Promise<KeyFile>>();
  readonly #unlocked = new Map<string, Promise<ParsedKey | undefined>>();
  #asking: Promise<unknown> = Promise.resolve();
  /** Passphrases being asked for right now. */
  waiting = 0;

  constructor(ask: AskPassphrase | undefined) {
    this.#ask = ask;
  }

  load(path: string): Promise<KeyFile> {
    let file = this.#files.get(path);
    if (file === undefined) {
      file = this.#load(path);
      this.#files.set(path, file);
    }
    return file;
  }

  async #load(path: string): Promise<KeyFile> {
    let content: Buffer;
    try {
      const { mode, uid } = await stat(path);
      if ((mode & 0o077) !== 0 && uid === process.getuid?.()) return { kind: 'unusable', path, reason: `permissions ${(mode & 0o777).toString(8).padStart(4, '0')} are too open, chmod 600 it` };
      content = await readFile(path);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      return code === 'ENOENT' || code === 'ENOTDIR' ? { kind: 'missing', path } : { kind: 'unusable', path, reason: messageOf(error) };
    }
    const key = parse(content);
    if (!(key instanceof Error)) return key.isPrivateKey() ? { kind: 'plain', path, key } : { kind: 'unusable', path, reason: 'not a private key' };
    if (!/encrypted/i.test(key.message)) return { kind: 'unusable', path, reason: 'this kind of key is not supported' };
    const publicKey = (await publicKeyBeside(path)) ?? publicPart(content);
    const unlock = (): Promise<ParsedKey | undefined> => this.#unlock(path, content);
    if (publicKey !== undefined) return { kind: 'locked', path, publicKey, unlock };
    // An old PEM file without its .pub: only the passphrase shows what it is.
    const opened = await unlock();
    return opened === undefined ? { kind: 'unusable', path, reason: 'it has a passphrase' } : { kind: 'plain', path, key: opened };
  }

  #unlock(path: string, content: Buffer): Promise<ParsedKey | undefined> {
    let unlocked = this.#unlocked.get(path);
    if (unlocked === undefined) {
      // One question at a time: two prompts on a terminal cannot be told apart.
      unlocked = this.#asking.then(() => this.#askFor(path, content));
      this.#asking = unlocked.catch(() => undefined);
      this.#unlocked.set(path, unlocked);
    }
    return unlocked;
  }

  async #askFor(path: string, content: Buffer): Promise<ParsedKey | undefined> {
    this.waiting += 1;
    try {
      for (let attempt = 0; attempt < PASSPHRASE_TRIES; attempt++) {
        const passphrase = await this.#ask?.(path);
        if (passphrase === undefined) return undefined;
        const key = parse(content, passphrase);
        if (!(key instanceof Error)) return key;
      }
      return undefined;
    } finally {
      this.waiting -= 1;
    }
  }
}

function parse(content: Buffer, passphrase?: string): ParsedKey | Error {
  try {
    const key: unknown = ssh2.utils.parseKey(content, passphrase);
    // ssh2 gives an array for OpenSSH's format, which holds one key.
    return (Array.isArray(key) ? key[0] : key) as ParsedKey | Error;
  } catch (error) {
    return new Error(messageOf(error));
  }
}

async function publicKeyBeside(path: string): Promise<ParsedKey | undefined> {
  try {
    const key = parse(await readFile(`${path}.pub`));
    return key instanceof Error ? undefined : key;
  } catch {
    return undefined;
  }
}

/** The public key of an encrypted file in OpenSSH's own format (PROTOCOL.key): it stands in front, in clear. */
function publicPart(content: Buffer): ParsedKey | undefined {
  const base64 = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]*?)-----END/.exec(content.toString('latin1'))?.[1];
  if (base64 === undefined) return undefined;
  const blob = Buffer.from(base64, 'base64');
  let at = Buffer.byteLength('openssh-key-v1\0');
  const next = (): Buffer => {
    const start = at + 4;
    at = start + blob.readUInt32BE(at);
    return blob.subarray(start, at);
  };
  try {
    // cipher, kdf, kdf options, then the number of keys.
    next();
    next();
    next();
    at += 4;
    const publicKey = next();
    const type = publicKey.toString('latin1', 4, 4 + publicKey.readUInt32BE(0));
    const key = parse(Buffer.from(`${type} ${publicKey.toString('base64')}`));
    return key instanceof Error ? undefined : key;
  } catch {
    return undefined;
  }
}

/** A key that an agent holds. */
export interface AgentKey {
  readonly publicKey: ParsedKey;
  readonly agent: BaseAgent;
}

/** @throws Error when the agent cannot be reached */
export function agentKeys(socketPath: string): Promise<AgentKey[]> {
  const agent = ssh2.createAgent(socketPath);
  return new Promise((resolve, reject) => {
    agent.getIdentities((error, keys) => {
      if (error) reject(error);
      else resolve((keys ?? []).map((key) => parse(key as never)).flatMap((key) => (key instanceof Error ? [] : [{ publicKey: key, agent }])));
    });
  });
}
