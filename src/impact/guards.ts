import type { Topology } from '../lvs/model/topology.ts';
import type { HostAnswer } from '../plan/sessions.ts';
import type { Plan, PlannedTask } from '../plan/types.ts';
import type { GuardLimits } from './limits.ts';
import { isReboot } from './touched.ts';
import type { GuardFinding, Impact } from './types.ts';
import { type DirectorView, directorViews } from './view.ts';

/**
 * Rules that a plan breaks, whether they are allowed to be broken or not. What was not there before cannot be lost: a first deployment breaks none. Pure.
 * @param allowed names of rules, as `--allow` has them
 */
export function guardFindings(topology: Topology | undefined, plan: Plan, answers: readonly HostAnswer[], impact: Impact, limits: GuardLimits, allowed: readonly string[]): GuardFinding[] {
  if (topology === undefined) return [];
  const views = directorViews(topology, plan, answers);
  const found = [...removedShare(impact, limits), ...rebootedShare(topology, plan, limits), ...belowQuorum(impact), ...allServices(topology, views), ...bothDirectors(topology, plan, views)];
  return found.map((finding) => ({ ...finding, allowed: allowed.includes(finding.rule) }));
}

type Found = Omit<GuardFinding, 'allowed'>;

function removedShare(impact: Impact, { removedShare: limit }: GuardLimits): Found[] {
  return impact.services.flatMap(({ service, change, gone, added, now }): Found[] => {
    // A host that comes back at another port is not taken out: its connections are lost, its capacity is not.
    const lost = gone.filter(({ server }) => !added.includes(server)).length;
    if (change !== 'changed' || now.servers === 0 || lost / now.servers <= limit) return [];
    return [{ rule: 'removed-share', subject: service, reason: `${service}: ${String(lost)} of ${String(now.servers)} real servers would be taken out (${percent(lost / now.servers)}, more than ${percent(limit)})` }];
  });
}

/** Hosts of one batch go down side by side. */
function rebootedShare(topology: Topology, plan: Plan, { removedShare: limit }: GuardLimits): Found[] {
  return [...topology.services.values()].flatMap(({ name, realServers }): Found[] => {
    const servers = [...new Set(realServers.map(({ host }) => host))];
    const most = Math.max(0, ...plan.plays.flatMap((play) => play.batches.map((batch) => rebootedIn(play.tasks, batch.filter((host) => servers.includes(host))))));
    // One at a time is all that can be asked of a service with a single server.
    if (most <= 1 || most / servers.length <= limit) return [];
    return [{ rule: 'removed-share', subject: name, reason: `${name}: ${String(most)} of ${String(servers.length)} real servers would reboot at the same time (${percent(most / servers.length)}, more than ${percent(limit)}); serial: 1 does one after the other` }];
  });
}

function rebootedIn(tasks: readonly PlannedTask[], hosts: readonly string[]): number {
  return new Set(tasks.filter((row) => hosts.includes(row.host) && row.changes.some(({ path }) => isReboot({ module: row.task.module, path }))).map(({ host }) => host)).size;
}

function belowQuorum(impact: Impact): Found[] {
  return impact.services.flatMap(({ service, change, now, after, quorum }): Found[] => {
    if (change !== 'changed' || now.weight < quorum || after.weight >= quorum) return [];
    return [{ rule: 'below-quorum', subject: service, reason: `${service}: a weight of ${String(after.weight)} would be left, and it needs ${String(quorum)}` }];
  });
}

/** A pair, or a director that is in none. */
function clustersOf(topology: Topology): { readonly name: string; readonly members: readonly string[] }[] {
  const single = [...topology.directors.values()].filter((director) => director.pairs.length === 0).map(({ host }) => ({ name: host, members: [host] }));
  return [...[...topology.pairs.values()].map((pair) => ({ name: pair.name, members: pair.members.map((member) => member.host) })), ...single];
}

function allServices(topology: Topology, views: readonly DirectorView[]): Found[] {
  return clustersOf(topology).flatMap(({ name, members }): Found[] => {
    const own = views.filter((view) => members.includes(view.touched.host));
    const before = new Set(own.flatMap((view) => [...view.before.keys()]));
    const left = own.some((view) => [...before].some((key) => view.after.has(key)));
    const unseen = members.some((member) => !own.some((view) => view.touched.host === member));
    // That is another rule's.
    const stopping = members.length > 1 && own.every((view) => view.touched.stops);
    if (before.size === 0 || left || unseen || stopping) return [];
    return [{ rule: 'all-services', subject: name, reason: `${name}: every virtual service would be removed (${[...before].join(', ')})` }];
  });
}

function bothDirectors(topology: Topology, plan: Plan, views: readonly DirectorView[]): Found[] {
  return [...topology.pairs.values()].flatMap((pair): Found[] => {
    const members = views.filter((view) => pair.members.some((member) => member.host === view.touched.host));
    const serves = members.some((view) => view.kernel.size > 0 || pair.vips.some((vip) => view.holds.has(vip.address)));
    if (members.length < 2 || members.length < pair.members.length || !serves) return [];
    const names = members.map((view) => view.touched.host);
    const said = (what: string): Found[] => [{ rule: 'both-directors', subject: pair.name, reason: `${pair.name}: ${what} on ${names.join(' and ')}` }];
    if (members.every((view) => view.touched.stops)) return said('keepalived or IPVS would stop');
    if (members.every((view) => view.touched.restarts || view.touched.stops) && sameBatch(plan, names)) return said('keepalived would restart at the same time');
    return [];
  });
}

/** Whether one batch restarts them all. */
function sameBatch(plan: Plan, hosts: readonly string[]): boolean {
  return plan.plays.some((play) => {
    // What the pair's coordinator makes is made in turn.
    const restarting = new Set(play.tasks.filter((row) => row.pair?.class !== 'restart' && row.changes.some((change) => /^(?:keepalived\.service state|package keepalived|module ip_vs)$/.test(change.path))).map((row) => row.host));
    return play.batches.some((batch) => hosts.every((host) => batch.includes(host) && restarting.has(host)));
  });
}

function percent(share: number): string {
  return `${String(Math.round(share * 100))} %`;
}
