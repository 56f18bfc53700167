import { LvsPlayError, messageOf } from '../core/errors.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { suggest } from '../core/text/suggest.ts';
import type { HostConnection } from './target.ts';
import { splitWords } from '../core/text/words.ts';

/** What the command line and configuration say where a host's variables say nothing. */
export interface ConnectionDefaults {
  /** `-u`. */
  readonly user?: string | undefined;
  /** `--private-key`. */
  readonly privateKeyFile?: string | undefined;
  /** `-k`. Secret. */
  readonly password?: string | undefined;
  /** `--become-user`; root when left out. */
  readonly becomeUser?: string | undefined;
  /** `-K`. Secret. */
  readonly becomePassword?: string | undefined;
  /** Default 10 s. */
  readonly connectTimeoutMs?: number | undefined;
  /** Default 300 s. */
  readonly commandTimeoutMs?: number | undefined;
}

const CONNECTION_TYPES: Readonly<Record<string, HostConnection['type']>> = { ssh: 'ssh', smart: 'ssh', paramiko: 'ssh', paramiko_ssh: 'ssh', 'ansible.builtin.ssh': 'ssh', local: 'local', 'ansible.builtin.local': 'local' };

/**
 * How to reach a host, from its final variables (templates already rendered).
 * @throws LvsPlayError kind `input` naming the variable; never its value when that may be secret
 */
export function hostConnection(host: string, vars: JsonObject, defaults: ConnectionDefaults = {}): HostConnection {
  const read = new VariableReader(host, vars);
  const address = read.text('ansible_host', 'ansible_ssh_host') ?? host;
  if (!/^[^\s-][^\s]*$/.test(address)) throw read.wrong('ansible_host', 'must be a name or an IP address');
  const user = read.word('ansible_user', 'ansible_ssh_user') ?? defaults.user;
  const becomeMethod = read.text('ansible_become_method') ?? 'sudo';
  if (becomeMethod !== 'sudo' && becomeMethod !== 'ansible.builtin.sudo') {
    throw read.wrong('ansible_become_method', `is ${JSON.stringify(becomeMethod)}, and only sudo is supported`, 'remove the variable, and allow sudo for the login user');
  }
  return {
    host,
    type: connectionType(read),
    address,
    port: read.port('ansible_port', 'ansible_ssh_port'),
    user,
    privateKeyFile: read.text('ansible_ssh_private_key_file', 'ansible_private_key_file') ?? defaults.privateKeyFile,
    password: read.secret('ansible_password', 'ansible_ssh_password', 'ansible_ssh_pass') ?? defaults.password,
    sshArgs: [...read.words('ansible_ssh_common_args'), ...read.words('ansible_ssh_extra_args')],
    become: {
      method: 'sudo',
      user: read.word('ansible_become_user') ?? defaults.becomeUser ?? 'root',
      password: read.secret('ansible_become_password', 'ansible_become_pass', 'ansible_sudo_pass') ?? defaults.becomePassword,
    },
    shell: shellExecutable(read),
    connectTimeoutMs: read.seconds('ansible_timeout', 'ansible_ssh_timeout') ?? defaults.connectTimeoutMs ?? 10_000,
    commandTimeoutMs: read.seconds('ansible_command_timeout') ?? defaults.commandTimeoutMs ?? 300_000,
  };
}

function connectionType(read: VariableReader): HostConnection['type'] {
  const name = read.text('ansible_connection') ?? 'ssh';
  const type = Object.hasOwn(CONNECTION_TYPES, name) ? CONNECTION_TYPES[name] : undefined;
  if (type !== undefined) return type;
  const near = suggest(name, Object.keys(CONNECTION_TYPES));
  throw read.wrong('ansible_connection', `is ${JSON.stringify(name)}, and only ssh and local are supported`, near === undefined ? undefined : `did you mean ${near}?`);
}

function shellExecutable(read: VariableReader): string {
  const shell = read.text('ansible_shell_executable') ?? '/bin/sh';
  if (/\s/.test(shell)) throw read.wrong('ansible_shell_executable', 'must be the path of a POSIX shell, without arguments');
  return shell;
}

/** Reads the first of several names that is set; the first in each list is Ansible's name of today. */
class VariableReader {
  readonly #host: string;
  readonly #vars: JsonObject;

  constructor(host: string, vars: JsonObject) {
    this.#host = host;
    this.#vars = vars;
  }

  wrong(name: string, what: string, hint?: string): LvsPlayError {
    return new LvsPlayError({ code: 'connection-variable', kind: 'input', host: this.#host, message: `${this.#host}: ${name} ${what}`, hint });
  }

  text(...names: string[]): string | undefined {
    const [name, value] = this.#first(names);
    if (value === undefined) return undefined;
    const text = typeof value === 'number' ? String(value) : value;
    if (typeof text !== 'string' || text === '') throw this.wrong(name, 'must be a text that is not empty');
     
    if (/[\x00\n\r]/.test(text)) throw this.wrong(name, 'must be one line');
    return text;
  }

  /** A user name: it goes into a command line as a word of its own. */
  word(...names: string[]): string | undefined {
    const text = this.text(...names);
    if (text !== undefined && !/^[^\s\-'"\\!$:][^\s'"\\!$:]*$/.test(text)) throw this.wrong(names.find((name) => this.#vars[name] !== undefined) ?? '', 'must be a user name');
    return text;
  }

  /** Like text; numbers are taken as they were written, as a password of digits is easily left unquoted. */
  secret(...names: string[]): string | undefined {
    return this.text(...names);
  }

  words(name: string): string[] {
    const value = this.#vars[name];
    if (value === undefined || value === null || value === '') return [];
    if (typeof value !== 'string') throw this.wrong(name, 'must be a text');
    try {
      return splitWords(value);
    } catch (error) {
      throw this.wrong(name, `cannot be split into words: ${messageOf(error)}`);
    }
  }

  port(...names: string[]): number | undefined {
    const [name, value] = this.#first(names);
    if (value === undefined) return undefined;
    const port = this.#number(value);
    if (port === undefined || !Number.isInteger(port) || port < 1 || port > 65535) throw this.wrong(name, 'must be a port from 1 to 65535');
    return port;
  }

  /** @returns milliseconds */
  seconds(...names: string[]): number | undefined {
    const [name, value] = this.#first(names);
    if (value === undefined) return undefined;
    const seconds = this.#number(value);
    // A timer holds at most 2^31 - 1 milliseconds.
    if (seconds === undefined || !(seconds > 0) || seconds > 2_000_000) throw this.wrong(name, 'must be a number of seconds greater than 0');
    return seconds * 1000;
  }

  #number(value: Json): number | undefined {
    if (typeof value === 'number') return value;
    return typeof value === 'string' && /^\d+(\.\d+)?$/.test(value) ? Number(value) : undefined;
  }

  #first(names: readonly string[]): [string, Json | undefined] {
    for (const name of names) {
      const value = this.#vars[name];
      if (value !== undefined && value !== null) return [name, value];
    }
    return ['', undefined];
  }
}
