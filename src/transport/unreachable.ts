import { LvsPlayError, messageOf } from '../core/errors.ts';
import type { SshSettings } from './ssh/config.ts';

/** Errors of reaching a host, one code for each cause that an operator mends in another way. */
export function dialError(host: string, settings: SshSettings, error: unknown): LvsPlayError {
  const where = `${settings.hostName} port ${String(settings.port)}`;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const make = (name: string, message: string, hint: string): LvsPlayError => new LvsPlayError({ code: name, kind: 'unreachable', host, message: `${host}: ${message}`, hint, cause: error });
  switch (code) {
    case 'ECONNREFUSED':
      return make('connection-refused', `${where} refused the connection`, 'is sshd running there, and is ansible_port right?');
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EHOSTDOWN':
    case 'EADDRNOTAVAIL':
      return make('no-route', `no route to ${where}`, 'check ansible_host, the network in between and that the host is up');
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EAI_NODATA':
      return make('unknown-address', `the name ${settings.hostName} has no address`, code === 'EAI_AGAIN' ? 'the name server did not answer; try again or set ansible_host to an IP address' : 'set ansible_host to an IP address or a name that resolves');
    case 'ETIMEDOUT':
      return connectTimeout(host, settings, 'did not answer');
    case 'ECONNRESET':
    case 'EPIPE':
      return make('connection-lost', `${where} closed the connection before the login`, 'sshd may limit connections (MaxStartups) or refuse this address');
    default:
      return make('connection-failed', `cannot connect to ${where}: ${messageOf(error)}`, 'try `ssh` by hand with the same settings');
  }
}

export function connectTimeout(host: string, settings: SshSettings, what: string): LvsPlayError {
  return new LvsPlayError({
    code: 'connect-timeout',
    kind: 'unreachable',
    host,
    message: `${host}: ${settings.hostName} port ${String(settings.port)} ${what} within the time-out`,
    hint: 'check that the host is up and no firewall is in between; ansible_timeout gives it more time',
  });
}

/** Errors of the SSH protocol before the login. */
export function handshakeError(host: string, settings: SshSettings, error: unknown): LvsPlayError {
  const text = messageOf(error);
  const mismatch = /no matching (.*?) ?(algorithm|format)?$/i.exec(text);
  return new LvsPlayError({
    code: 'ssh-handshake',
    kind: 'unreachable',
    host,
    message: `${host}: ${settings.hostName} port ${String(settings.port)} does not speak SSH with us: ${text}`,
    hint: mismatch === null ? 'is it sshd that listens there (ansible_port)?' : 'an old server may need KexAlgorithms, Ciphers, MACs or HostKeyAlgorithms in ssh_config',
    cause: error,
  });
}

export function connectionLost(host: string, why: string | undefined): LvsPlayError {
  return new LvsPlayError({
    code: 'connection-lost',
    kind: 'unreachable',
    host,
    message: `the connection to ${host} was lost${why === undefined ? '' : `: ${why}`}`,
    hint: 'see whether the host is up, then run again: what is done is not done twice',
  });
}

export function connectionClosed(host: string): LvsPlayError {
  return new LvsPlayError({ code: 'connection-closed', kind: 'unreachable', host, message: `the connection to ${host} was closed before` });
}
