import { LvsPlayError } from '../../core/errors.ts';
import { shellQuote } from '../../core/text/quote.ts';
import { fingerprint } from './known-hosts.ts';
import type { HostKey, KnownHost, KnownHostVerdict } from './known-hosts.ts';

/** StrictHostKeyChecking, with `ask` meaning `yes`: nobody is asked in the middle of fifty hosts. */
export type StrictHostKeyChecking = 'yes' | 'ask' | 'accept-new' | 'no';

export interface HostKeyQuestion {
  /** The inventory's name, or a jump host's. */
  readonly host: string;
  /** The name looked up, e.g. `[192.0.2.1]:2222`. */
  readonly name: string;
  /** Where to point ssh-keyscan. */
  readonly address: string;
  readonly port: number;
  readonly key: HostKey;
  /** Where a new key would be written. */
  readonly file: string | undefined;
}

/** What to do with a host key. */
export type HostKeyDecision =
  | { readonly action: 'accept'; readonly remember: boolean; readonly warning: string | undefined }
  | { readonly action: 'refuse'; readonly error: LvsPlayError };

/**
 * Decides as OpenSSH does for each value of StrictHostKeyChecking, but for one case: a host of which only other types of key are known
 * is no new host, so `accept-new` refuses it.
 */
export function decideHostKey(verdict: KnownHostVerdict, strict: StrictHostKeyChecking, question: HostKeyQuestion): HostKeyDecision {
  if (verdict.kind === 'match') return { action: 'accept', remember: false, warning: undefined };
  if (verdict.kind === 'unknown') {
    if (strict === 'accept-new' || strict === 'no') return { action: 'accept', remember: true, warning: undefined };
    return refuse(question, 'host-key-unknown', `${shown(question)} is not known`, acceptHint(question));
  }
  if (verdict.kind === 'revoked') {
    return refuse(question, 'host-key-revoked', `${shown(question)} is marked @revoked in ${place(verdict.entry)}`, 'do not connect: find out why the key was revoked');
  }
  const error = changedError(verdict, question);
  if (strict === 'no') return { action: 'accept', remember: false, warning: `${error.message}; accepted because StrictHostKeyChecking is off` };
  return { action: 'refuse', error };
}

function changedError(verdict: Extract<KnownHostVerdict, { kind: 'mismatch' | 'other-key-type' | 'ca-only' }>, question: HostKeyQuestion): LvsPlayError {
  if (verdict.kind === 'ca-only') {
    return hostKeyError(question, 'host-key-ca-only', `${shown(question)} is not known; ${place(verdict.entry)} names only a certificate authority, and host certificates are not supported`, acceptHint(question));
  }
  const known = verdict.known.map((entry) => `${label(entry.keyType)} ${fingerprint(Buffer.from(entry.key, 'base64'))} in ${place(entry)}`).join(', ');
  const files = [...new Set(verdict.known.map(({ file }) => file))];
  const remove = files.map((file) => `ssh-keygen -f ${shellQuote(file)} -R ${shellQuote(question.name)}`).join('; ');
  const changed = verdict.kind === 'mismatch';
  return hostKeyError(
    question,
    changed ? 'host-key-changed' : 'host-key-other-type',
    changed ? `HOST KEY CHANGED: ${shown(question)} is not the one that is known: ${known}` : `${shown(question)} is not known, only keys of other types: ${known}`,
    `either the host was installed anew or someone is in between: compare with \`ssh-keygen -lf /etc/ssh/ssh_host_${keyFile(question.key.type)}_key.pub\` on its console; if it is right: ${remove}, then ${scan(question)}`,
  );
}

function refuse(question: HostKeyQuestion, code: string, message: string, hint: string): HostKeyDecision {
  return { action: 'refuse', error: hostKeyError(question, code, message, hint) };
}

function hostKeyError(question: HostKeyQuestion, code: string, message: string, hint: string): LvsPlayError {
  return new LvsPlayError({ code, kind: 'unreachable', host: question.host, message: `${question.host}: ${message}`, hint });
}

function shown(question: HostKeyQuestion): string {
  return `the host key of ${question.name} (${label(question.key.type)} ${fingerprint(question.key.blob)})`;
}

function acceptHint(question: HostKeyQuestion): string {
  return `compare the fingerprint on the host's console, then: ${scan(question)}; or accept new hosts with ansible_ssh_common_args: "-o StrictHostKeyChecking=accept-new"`;
}

function scan({ address, port, file }: HostKeyQuestion): string {
  return `ssh-keyscan ${port === 22 ? '' : `-p ${String(port)} `}${shellQuote(address)} >> ${file === undefined ? '~/.ssh/known_hosts' : shellQuote(file)}`;
}

function place(entry: KnownHost): string {
  return `${entry.file}:${String(entry.line)}`;
}

function label(type: string): string {
  return type.replace(/^ssh-/, '').replace(/^ecdsa-sha2-nistp.*/, 'ecdsa').toUpperCase();
}

function keyFile(type: string): string {
  return label(type).toLowerCase();
}
