import { LvsPlayError } from '../../core/errors.ts';
import type { SshAlgorithms } from './config.ts';

/**
 * What is offered in the key exchange. The lists are those of ssh2 1.17 that OpenSSH still takes by default, in ssh2's order, without
 * `diffie-hellman-group-exchange`, which costs 1.6 s of CPU per host, and without SHA-1 signatures.
 */
const KEX = ['curve25519-sha256@libssh.org', 'curve25519-sha256', 'ecdh-sha2-nistp256', 'ecdh-sha2-nistp384', 'ecdh-sha2-nistp521', 'diffie-hellman-group14-sha256', 'diffie-hellman-group16-sha512', 'diffie-hellman-group18-sha512'] as const;
const CIPHERS = ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'aes128-ctr', 'aes192-ctr', 'aes256-ctr', 'chacha20-poly1305@openssh.com'] as const;
const MACS = ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha1-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512', 'hmac-sha1'] as const;
const HOST_KEYS = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521', 'rsa-sha2-512', 'rsa-sha2-256'] as const;

/** Offered only when ssh_config asks for them. */
const ON_REQUEST = {
  kex: ['diffie-hellman-group14-sha1', 'diffie-hellman-group1-sha1', 'diffie-hellman-group-exchange-sha256', 'diffie-hellman-group-exchange-sha1'],
  ciphers: ['aes256-cbc', 'aes192-cbc', 'aes128-cbc', '3des-cbc'],
  macs: ['hmac-md5', 'hmac-sha2-256-96', 'hmac-sha2-512-96', 'hmac-ripemd160', 'hmac-sha1-96', 'hmac-md5-96'],
  hostKeys: ['ssh-rsa'],
} as const;

export interface Offer {
  readonly kex: readonly string[];
  readonly cipher: readonly string[];
  readonly hmac: readonly string[];
  readonly serverHostKey: readonly string[];
}

/**
 * @param chosen lists that ssh_config sets; the local ssh knows more than ssh2, and what ssh2 lacks is left out
 * @param knownTypes types of the keys known for the host: asked for first, or a server with several keys would show an unknown one
 * @throws LvsPlayError kind `input` when ssh2 has none of a chosen list
 */
export function algorithmOffer(host: string, chosen: SshAlgorithms, knownTypes: readonly string[]): Offer {
  const hostKeys = select(host, 'HostKeyAlgorithms', chosen.hostKeys, HOST_KEYS, ON_REQUEST.hostKeys);
  const known = new Set(knownTypes.flatMap((type) => (type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'] : [type])));
  const kex = select(host, 'KexAlgorithms', chosen.kex, KEX, ON_REQUEST.kex);
  const slow = (name: string): boolean => name.startsWith('diffie-hellman-group-exchange');
  return {
    kex: [...kex.filter((name) => !slow(name)), ...kex.filter(slow)],
    cipher: select(host, 'Ciphers', chosen.ciphers, CIPHERS, ON_REQUEST.ciphers),
    hmac: select(host, 'MACs', chosen.macs, MACS, ON_REQUEST.macs),
    serverHostKey: [...hostKeys.filter((name) => known.has(name)), ...hostKeys.filter((name) => !known.has(name))],
  };
}

function select(host: string, keyword: string, chosen: readonly string[] | undefined, usual: readonly string[], onRequest: readonly string[]): readonly string[] {
  if (chosen === undefined) return usual;
  const supported = chosen.filter((name) => usual.includes(name) || onRequest.includes(name));
  if (supported.length > 0) return supported;
  throw new LvsPlayError({ code: 'ssh-algorithms', kind: 'input', host, message: `${host}: none of the ${keyword} in ssh_config is supported (${chosen.join(', ')})`, hint: `supported: ${[...usual, ...onRequest].join(', ')}` });
}
