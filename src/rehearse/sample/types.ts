/** Which hosts of an inventory are booted, and what the replica lacks for it. */
export interface Sample {
  /** In the inventory's order. */
  readonly hosts: readonly string[];
  readonly pairs: readonly string[];
  readonly services: readonly SampledService[];
  readonly left: Left;
}

/** What of a service is there. Weights are sums. */
export interface SampledService {
  readonly name: string;
  readonly servers: readonly string[];
  /** How many the inventory has. */
  readonly of: number;
  readonly weight: number;
  readonly ofWeight: number;
  /** Weight that live servers must have together; 1 where nothing is asked. */
  readonly quorum: number;
}

export interface Left {
  readonly hosts: readonly { readonly host: string; readonly why: string }[];
  readonly pairs: readonly string[];
  readonly services: readonly string[];
}

/** Nothing was left out. */
export function isWhole({ left }: Sample): boolean {
  return left.hosts.length === 0;
}

/** What a sample lacks, in words, one line each: who was left out, and what that means for weights and quorums. Pure. */
export function sampleWords(sample: Sample): string[] {
  if (isWhole(sample)) return [];
  const { hosts, pairs, services } = sample.left;
  const reasons = new Map<string, string[]>();
  for (const { host, why } of hosts) reasons.set(why, [...(reasons.get(why) ?? []), host]);
  return [
    ...[...reasons].map(([why, names]) => `left out: ${names.join(', ')} (${why})`),
    ...(pairs.length === 0 ? [] : [`left out with its directors: HA pair ${pairs.join(', ')}`]),
    ...(services.length === 0 ? [] : [`not rehearsed: service ${services.join(', ')}`]),
    ...sample.services.filter(({ servers, of }) => servers.length < of).map(serviceWords),
  ];
}

function serviceWords({ name, servers, of, weight, ofWeight, quorum }: SampledService): string {
  const asked = quorum > 1 ? `; its quorum stays ${String(quorum)}, which is ${weight >= quorum ? 'reached' : 'NOT reached'} here` : '';
  return `${name}: ${String(servers.length)} of ${String(of)} real servers (${servers.join(', ')}), weight ${String(weight)} of ${String(ofWeight)}: each gets a larger share than it will have${asked}`;
}
