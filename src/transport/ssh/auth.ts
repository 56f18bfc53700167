import ssh2 from 'ssh2';
import type { AnyAuthMethod, AuthHandlerMiddleware, AuthenticationType, ParsedKey } from 'ssh2';
import { LvsPlayError } from '../../core/errors.ts';
import { fingerprint } from '../known-hosts/known-hosts.ts';
import type { AuthMethodName, SshSettings } from './config.ts';
import { agentKeys } from './keys.ts';
import type { AgentKey, KeyFile, KeyStore } from './keys.ts';

export interface AuthQuestion {
  /** The inventory's name. */
  readonly host: string;
  readonly settings: SshSettings;
  /** A key the inventory names: tried before all others. */
  readonly identityFile: string | undefined;
  readonly password: string | undefined;
  readonly keys: KeyStore;
}

/** Logging in to one server: what to try in which order, and what came of it. */
export interface Authentication {
  readonly handler: AuthHandlerMiddleware;
  /** The error when nothing was accepted: what was tried (paths and fingerprints, never a secret). */
  failure(): LvsPlayError;
}

interface Attempt {
  readonly method: AuthMethodName | 'none';
  readonly label: string;
  /** Undefined: not worth trying any more. */
  make(): AnyAuthMethod | undefined;
}

interface Notes {
  readonly tried: string[];
  /** Key files that would be worth a try, and why they were not tried. */
  readonly unused: string[];
  locked: string | undefined;
  passwordSent: boolean;
}

/** Reads keys and asks the agent what it holds; nothing is sent to the server yet. */
export async function prepareAuthentication(question: AuthQuestion): Promise<Authentication> {
  const { host, settings } = question;
  const notes: Notes = { tried: [], unused: [], locked: undefined, passwordSent: false };
  const attempts: Attempt[] = [];
  for (const method of settings.methods) {
    if (method === 'publickey') attempts.push(...(await keyAttempts(question, notes)));
    else if (question.password !== undefined) attempts.push(passwordAttempt(method, settings.user, question.password, notes));
  }
  // With nothing to offer, ask at least what the server would take (and some servers take anyone).
  if (attempts.length === 0) attempts.push({ method: 'none', label: '', make: () => ({ type: 'none', username: settings.user }) });
  let offered: readonly string[] | undefined;
  return {
    handler: (left: readonly AuthenticationType[] | null, _partial, next) => {
      offered = left ?? offered;
      for (let attempt = attempts.shift(); attempt !== undefined; attempt = attempts.shift()) {
        if (attempt.method !== 'none' && offered !== undefined && !offered.includes(attempt.method)) continue;
        const made = attempt.make();
        if (made === undefined) continue;
        if (attempt.label !== '') notes.tried.push(attempt.label);
        next(made);
        return;
      }
      // false ends the attempts; the types of ssh2 do not know it.
      next(false as unknown as AuthenticationType);
    },
    failure: () => authFailed(host, settings, notes, offered, question.password !== undefined),
  };
}

/**
 * OpenSSH's order: keys of the configuration that the agent holds, the agent's other keys (unless IdentitiesOnly), then
 * the files that the agent does not hold. The key that the inventory names goes first of all, before an agent full of other
 * keys uses up the server's MaxAuthTries.
 */
async function keyAttempts({ settings, identityFile, keys }: AuthQuestion, notes: Notes): Promise<Attempt[]> {
  const [files, held] = await Promise.all([Promise.all(settings.identityFiles.map((path) => keys.load(path))), heldKeys(settings, notes)]);
  const holds = (file: KeyFile): AgentKey | undefined => {
    const blob = publicBlob(file);
    return blob === undefined ? undefined : held.find(({ publicKey }) => publicKey.getPublicSSH().equals(blob));
  };
  // The inventory's key is the first -o IdentityFile, so the first of the list.
  const first = identityFile === undefined ? [] : files.slice(0, 1);
  const others = files.slice(first.length);
  const named = new Set(files.map(holds));
  const fileAttempts = (file: KeyFile, explicit: boolean): Attempt[] => {
    const agentKey = holds(file);
    return agentKey === undefined ? fileAttempt(file, explicit, settings.user, notes) : [agentAttempt(agentKey, file.path, settings.user)];
  };
  return [
    ...first.flatMap((file) => fileAttempts(file, true)),
    ...others.filter((file) => holds(file) !== undefined).flatMap((file) => fileAttempts(file, false)),
    ...(settings.identitiesOnly ? [] : held.filter((key) => !named.has(key)).map((key) => agentAttempt(key, undefined, settings.user))),
    ...others.filter((file) => holds(file) === undefined).flatMap((file) => fileAttempts(file, false)),
  ];
}

async function heldKeys(settings: SshSettings, notes: Notes): Promise<AgentKey[]> {
  const socket = settings.identityAgent === undefined ? process.env['SSH_AUTH_SOCK'] : settings.identityAgent;
  if (socket === undefined || socket === null || socket === '') return [];
  try {
    return await agentKeys(socket);
  } catch {
    notes.unused.push(`agent ${socket} (does not answer)`);
    return [];
  }
}

function publicBlob(file: KeyFile): Buffer | undefined {
  if (file.kind === 'plain') return file.key.getPublicSSH();
  return file.kind === 'locked' ? file.publicKey.getPublicSSH() : undefined;
}

function fileAttempt(file: KeyFile, explicit: boolean, username: string, notes: Notes): Attempt[] {
  switch (file.kind) {
    case 'missing':
      // ssh_config lists its defaults whether they exist or not.
      if (explicit) notes.unused.push(`key ${file.path} (no such file)`);
      return [];
    case 'unusable':
      notes.unused.push(`key ${file.path} (${file.reason})`);
      return [];
    case 'plain':
      return [{ method: 'publickey', label: `key ${file.path}`, make: () => ({ type: 'publickey', username, key: file.key }) }];
    case 'locked':
      return [{ method: 'publickey', label: `key ${file.path}`, make: () => ({ type: 'agent', username, agent: new LockedKey(file, notes) }) }];
  }
}

function agentAttempt({ publicKey, agent }: AgentKey, path: string | undefined, username: string): Attempt {
  const label = path === undefined ? `agent key ${fingerprint(publicKey.getPublicSSH())}${publicKey.comment ? ` (${publicKey.comment})` : ''}` : `key ${path} (from the agent)`;
  return {
    method: 'publickey',
    label,
    make: () => ({ type: 'agent', username, agent: new OneKey(publicKey, (data, options, done) => { agent.sign(publicKey, data, options, done); }) }),
  };
}

type Sign = (data: Buffer, options: object, done: (error?: Error | null, signature?: Buffer) => void) => void;

/** An agent with a single key, so that the order of keys is ours and not the agent's. */
class OneKey extends ssh2.BaseAgent<ParsedKey> {
  readonly #key: ParsedKey;
  readonly #sign: Sign;

  constructor(key: ParsedKey, sign: Sign) {
    super();
    this.#key = key;
    this.#sign = sign;
  }

  getIdentities(done: (error?: Error | null, keys?: ParsedKey[]) => void): void {
    done(null, [this.#key]);
  }

  sign(_key: ParsedKey, data: Buffer, options: unknown, done?: unknown): void {
    const callback = (typeof options === 'function' ? options : done) as Parameters<Sign>[2];
    this.#sign(data, typeof options === 'object' && options !== null ? options : {}, callback);
  }
}

/** A key file with a passphrase: the server is asked first whether it takes the key, and only then the operator. */
class LockedKey extends OneKey {
  constructor(file: Extract<KeyFile, { kind: 'locked' }>, notes: Notes) {
    super(file.publicKey, (data, options, done) => {
      void file.unlock().then(
        (key) => {
          if (key === undefined) {
            notes.locked = file.path;
            done(new Error('no passphrase'));
            return;
          }
          const hash = 'hash' in options && typeof options.hash === 'string' ? options.hash : undefined;
          const signature: Buffer | Error = key.sign(data, hash);
          if (signature instanceof Error) done(signature);
          else done(null, signature);
        },
        (error: unknown) => {
          done(error instanceof Error ? error : new Error(String(error)));
        },
      );
    });
  }
}

/** The password goes out once, by whichever method comes first: a wrong one sent twice locks accounts sooner. */
function passwordAttempt(method: 'password' | 'keyboard-interactive', username: string, password: string, notes: Notes): Attempt {
  return {
    method,
    label: method === 'password' ? 'password' : 'keyboard-interactive',
    make: () => {
      if (notes.passwordSent) return undefined;
      if (method === 'password') {
        notes.passwordSent = true;
        return { type: 'password', username, password };
      }
      return {
        type: 'keyboard-interactive',
        username,
        prompt: (_name, _instructions, _language, prompts, finish) => {
          // Only a question that hides its answer, and only once: anything else is no question for a password.
          const answerable = prompts.every(({ echo }) => echo !== true) && prompts.length === 1 && !notes.passwordSent;
          if (answerable) notes.passwordSent = true;
          finish(answerable ? [password] : prompts.map(() => ''));
        },
      };
    },
  };
}

function authFailed(host: string, settings: SshSettings, notes: Notes, offered: readonly string[] | undefined, hadPassword: boolean): LvsPlayError {
  const tried = notes.tried.length === 0 ? 'there was nothing to try' : `tried ${notes.tried.join(', ')}`;
  const unused = notes.unused.length === 0 ? '' : `; could not use ${notes.unused.join(', ')}`;
  const takes = offered === undefined || offered.length === 0 ? '' : `; the server takes ${offered.join(', ')}`;
  return new LvsPlayError({
    code: 'auth-failed',
    kind: 'unreachable',
    host,
    message: `${host}: ${settings.hostName} refused the login of ${settings.user}: ${tried}${unused}${takes}`,
    hint: authHint(settings, notes, offered, hadPassword),
  });
}

function authHint(settings: SshSettings, notes: Notes, offered: readonly string[] | undefined, hadPassword: boolean): string {
  if (notes.locked !== undefined) return `${notes.locked} has a passphrase: run \`ssh-add ${notes.locked}\` first, or run lvs-play on a terminal`;
  if (notes.passwordSent) return 'check ansible_user and the password';
  if (offered?.includes('password') === true && !hadPassword) return 'give a key with --private-key or ansible_ssh_private_key_file, or a password with -k';
  return `check ansible_user, and that one of these keys stands in ~${settings.user}/.ssh/authorized_keys on the host; name another with --private-key or ansible_ssh_private_key_file`;
}
