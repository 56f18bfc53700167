import type { Missing, MissingHost } from './observation.ts';

/** Hosts that are all named; of more the first few. */
const NAMED = 5;
const FIRST = 3;

/** `lvs1`, `lvs1 and lvs2`, `lvs1, lvs2, rs1 and 12 others`. Pure, as all here. */
export function hostNames(hosts: readonly string[]): string {
  const shown = hosts.length <= NAMED ? hosts : [...hosts.slice(0, FIRST), `${String(hosts.length - FIRST)} others`];
  return shown.length <= 1 ? (shown[0] ?? '') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1) ?? ''}`;
}

/** Why a host gave no answer, without its name and address: what failed alike on many hosts reads alike. */
export function causeOf(host: string, message: string): string {
  const own = message.startsWith(`${host}: `) || message.startsWith(`${host} `) ? message.slice(host.length).replace(/^:? /, '') : message;
  const text = own
    .replace(/^gave no usable answer: /, '')
    .replace(/^\S+ port \d+ /, '')
    .replace(/^no route to \S+ port \d+$/, 'no route to host')
    .replace(/^cannot connect to \S+ port \d+: /, '')
    .replace(`the connection to ${host} was lost`, 'the connection was lost')
    .replace(/^did not answer within/, 'no answer within');
  return text === 'refused the connection' ? 'connection refused' : text;
}

export interface MissingGroup {
  readonly kind: Missing['kind'];
  readonly hosts: readonly string[];
  readonly cause: string;
}

/** Hosts that gave no answer for the same reason, together, in the order in which they come. @param lost with what each said, or what was said of it */
export function groupedBy(lost: readonly { readonly host: string; readonly kind: Missing['kind']; readonly message: string }[]): MissingGroup[] {
  const groups = new Map<string, { kind: Missing['kind']; hosts: string[]; cause: string }>();
  for (const { host, kind, message } of lost) {
    const cause = causeOf(host, message);
    const group = groups.get(`${kind} ${cause}`) ?? { kind, hosts: [], cause };
    groups.set(`${kind} ${cause}`, group);
    group.hosts.push(host);
  }
  return [...groups.values()];
}

/** `lvs1, lvs2 and rs1 did not answer (connection refused); rs2 gave no usable answer (sh: ip: not found)`. */
export function unansweredWords(missing: readonly Missing[]): string {
  return groupedBy(missing.map(({ host, kind, error }) => ({ host, kind, message: error.message })))
    .map(({ kind, hosts, cause }) => `${hostNames(hosts)} ${kind === 'unreachable' ? 'did not answer' : 'gave no usable answer'} (${cause})`)
    .join('; ');
}

/** The same without the reasons, where they are told elsewhere: `lvs1 and lvs2 did not answer`. */
export function silentWords(missing: readonly MissingHost[]): string {
  const of = (kind: MissingHost['kind']): string[] => missing.filter((one) => one.kind === kind).map(({ host }) => host);
  const [unreachable, failed] = [of('unreachable'), of('failed')];
  return [...(unreachable.length === 0 ? [] : [`${hostNames(unreachable)} did not answer`]), ...(failed.length === 0 ? [] : [`${hostNames(failed)} gave no usable answer`])].join('; ');
}

export function namesOfMissing(missing: readonly Missing[]): string[] {
  return missing.map(({ host }) => host);
}
