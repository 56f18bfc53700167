/**
 * The only thing the rest of the program knows of a machine. Implementations: ssh, local, fake.
 */

/** One frame to the target's long-lived sh: sent once, answered once. */
export interface ShellRequest {
  /**
   * A complete POSIX sh script (built with core/text/quote.ts). It runs in a subshell, so it may `cd`, `exit` or set variables
   * freely; its stdin is /dev/null.
   */
  readonly script: string;
  /** Run it as the connection's become user. Needs no second shell when that is the user who logged in. */
  readonly become?: boolean;
  /**
   * `side`: a second shell of the same user, for what must not wait for a step in hand (heartbeats, watchers). It is started when it is first used. A host
   * allows ten shells on a connection (sshd's MaxSessions). Default `main`.
   */
  readonly lane?: 'main' | 'side';
  /** Milliseconds until the request fails with code `command-timeout`; the connection is closed then. Default: the connection's. */
  readonly timeoutMs?: number;
}

export interface ShellReply {
  /** Bytes, as file contents are not always text. */
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  /** Exit status of the script, 0-255; a command ended by signal N gives 128+N. */
  readonly exitCode: number;
}

/** Counted where the bytes pass, never estimated. */
export interface TargetStats {
  /** To the host itself; those to jump hosts in between are not counted. */
  readonly connections: number;
  /** Frames sent, by privilege: those of the shell that logged in and those of the become shell. */
  readonly requests: number;
  readonly becomeRequests: number;
  /** Payload bytes of the shell channels. */
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

export interface Target {
  /** The inventory's name of the host. */
  readonly host: string;
  /**
   * @throws LvsPlayError kind `unreachable` when the connection fails or is lost, kind `host` on a timeout, a sudo failure
   * (`become-failed`, `become-password`) or a shell that does not answer. An exit status other than 0 is a reply, not an error.
   */
  request(request: ShellRequest): Promise<ShellReply>;
  stats(): TargetStats;
  /**
   * Forgets shells and connection, and that they may have failed: the next request opens them anew. For a host that restarts; a request in hand fails. Never
   * throws.
   */
  reset(): Promise<void>;
  /** Ends shells and connection. Never throws. */
  close(): Promise<void>;
}

/** How to reach one host; derived from its variables, with Ansible's names behind each field. */
export interface HostConnection {
  readonly host: string;
  /** `ansible_connection`. */
  readonly type: 'ssh' | 'local';
  /** `ansible_host`, default the inventory name. Name or IP. */
  readonly address: string;
  /** Undefined: what ssh_config says for the address, else 22. */
  readonly port: number | undefined;
  /** Undefined: what ssh_config says, else the local user. */
  readonly user: string | undefined;
  readonly privateKeyFile: string | undefined;
  /** `ansible_password` / `ansible_ssh_pass`. Secret. */
  readonly password: string | undefined;
  /** `ansible_ssh_common_args` + `ansible_ssh_extra_args`, split into words. */
  readonly sshArgs: readonly string[];
  readonly become: {
    readonly method: 'sudo';
    readonly user: string;
    /** `ansible_become_password`. Secret; goes over stdin only. */
    readonly password: string | undefined;
  };
  /** `ansible_shell_executable`, default `/bin/sh`. */
  readonly shell: string;
  readonly connectTimeoutMs: number;
  readonly commandTimeoutMs: number;
}

/** Opens targets. The connection itself may be made lazily, at the first request. */
export interface Connector {
  connect(connection: HostConnection): Promise<Target>;
}
