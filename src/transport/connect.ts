import { homedir } from 'node:os';
import { localTarget } from './local.ts';
import type { SshTargets } from './ssh/ssh.ts';
import type { Connector } from './target.ts';

export interface ConnectorOptions {
  /** Asks the operator for the passphrase of a key file; left out where there is no terminal. */
  readonly passphrase?: ((path: string) => Promise<string | undefined>) | undefined;
  /** Where `~` points; default the operator's home. */
  readonly home?: string | undefined;
  /** One line for the operator, e.g. a changed host key accepted because StrictHostKeyChecking is off. */
  readonly onWarning?: ((text: string, host: string) => void) | undefined;
}

/**
 * Opens targets by `ansible_connection`. Connections are made at the first request; ssh2 is loaded when the first host needs it,
 * and configuration, known_hosts and keys are read once for all hosts.
 */
export function createConnector(options: ConnectorOptions = {}): Connector {
  let ssh: Promise<SshTargets> | undefined;
  const loadSsh = async (): Promise<SshTargets> => {
    const module = await import('./ssh/ssh.ts');
    return new module.SshTargets({ home: options.home ?? homedir(), passphrase: options.passphrase, onWarning: options.onWarning ?? (() => undefined) });
  };
  return {
    connect: async (connection) => {
      if (connection.type === 'local') return localTarget(connection);
      ssh ??= loadSsh();
      return (await ssh).target(connection);
    },
  };
}
