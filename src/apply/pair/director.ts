import { messageOf } from '../../core/errors.ts';
import { configDifferences } from '../../lvs/change/differences.ts';
import { configOf, confNodes, type KeepalivedConfig } from '../../lvs/change/config.ts';
import { parseDump } from '../../lvs/change/dump.ts';
import { DUMP_SCRIPT } from '../../lvs/change/dump-script.ts';
import { parseAddresses } from '../../lvs/host/addresses.ts';
import { parseProcNetIpVs } from '../../lvs/ipvs/parse.ts';
import type { IpvsTable } from '../../lvs/ipvs/types.ts';
import type { Observation } from '../../observe/observation.ts';
import { hostNames, namesOfMissing, unansweredWords } from '../../observe/words.ts';

/** A director of a pair as it says of itself, right now. */
export interface DirectorNow {
  readonly host: string;
  /** keepalived runs, and is not being started again and again. */
  readonly alive: boolean;
  /** What systemd says, for people: `active (running)`. */
  readonly state: string;
  readonly addresses: ReadonlySet<string>;
  /** What it runs; undefined where it does not tell. */
  readonly running: KeepalivedConfig | undefined;
  readonly table: IpvsTable;
}

/** Asks a director for its state. */
export const DIRECTOR_SCRIPT = [
  'systemctl show -p ActiveState,SubState,MainPID keepalived.service',
  "echo '--- addresses'; ip -o addr show || exit 1",
  "echo '--- table'; if [ -r /proc/net/ip_vs ]; then cat /proc/net/ip_vs; fi",
  DUMP_SCRIPT,
].join('\n');

/** Pure. @throws Error when it is not an answer */
export function parseDirector(host: string, output: string): DirectorNow {
  const sections = new Map(output.split(/^--- /m).map((section, index): [string, string] => (index === 0 ? ['unit', section] : [section.slice(0, section.indexOf('\n')), section.slice(section.indexOf('\n') + 1)])));
  const unit = new Map((sections.get('unit') ?? '').split('\n').map((line): [string, string] => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
  const [active = '', sub = ''] = [unit.get('ActiveState'), unit.get('SubState')];
  if (active === '') throw new Error('systemctl says nothing of keepalived');
  return {
    host,
    alive: active === 'active' || active === 'reloading',
    state: `${active} (${sub})`,
    addresses: new Set(parseAddresses(sections.get('addresses') ?? '').map(({ address }) => address)),
    running: runningOf(sections.get('vrrp') ?? '', sections.get('checkers') ?? ''),
    table: parseProcNetIpVs(sections.get('table') ?? ''),
  };
}

function runningOf(vrrp: string, checkers: string): KeepalivedConfig | undefined {
  try {
    return parseDump(vrrp, checkers);
  } catch {
    return undefined;
  }
}

/**
 * What is wrong with a director after its configuration was changed, a sentence each. Pure.
 * @param wanted text of the file that it should run
 */
export function directorFaults(now: DirectorNow, wanted: string): string[] {
  if (!now.alive) return [`keepalived on ${now.host} is ${now.state}`];
  const faults = unlike(now, wanted);
  return faults.length === 0 ? [] : [`keepalived on ${now.host} does not run its new configuration: ${faults.slice(0, 3).join('; ')}${faults.length > 3 ? `; and ${String(faults.length - 3)} more` : ''}`];
}

/** Whether it runs, and something else than it should: it may not have read its file. Pure. */
export function runsOther(now: DirectorNow, wanted: string): boolean {
  return now.alive && unlike(now, wanted).length > 0;
}

/** How what it runs differs. A version that tells nothing, or in other words, cannot be judged by it. */
function unlike({ running }: DirectorNow, wanted: string): string[] {
  return running === undefined || (running.instances.length === 0 && running.services.length === 0) ? [] : configDifferences(running, wantedConfig(wanted));
}

function wantedConfig(text: string): KeepalivedConfig {
  try {
    return configOf(confNodes(text, 'keepalived.conf'));
  } catch (error) {
    throw new Error(`the new keepalived.conf cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

/** Why a director could not take virtual IPs over now: its daemon is gone, or it has a fault (an interface is down, a check fails). Pure. */
export function readinessFaults(host: string, look: Observation<DirectorNow>): string[] {
  const seen = look.at(host);
  if (seen?.kind !== 'answered') return [seen === undefined ? `${host} was not asked` : unansweredWords(look.among([host]).missing)];
  const now = seen.value;
  if (!now.alive) return [`keepalived on ${host} is ${now.state}`];
  return (now.running?.instances ?? []).flatMap(({ name, state }) => (state === undefined || state === 'MASTER' || state === 'BACKUP' ? [] : [`${name} on ${host} is in state ${state}`]));
}

/** What is wrong with who holds the virtual IPs of a pair: each must be held by exactly one member. One that gives no answer may be the one. Pure. */
export function holderFaults(vips: readonly string[], members: Observation<DirectorNow>): string[] {
  return vips.flatMap((vip) => {
    const holders = members.each(({ addresses }, host) => (addresses.has(vip) ? [host] : [])).flat();
    if (holders.length === 1) return [];
    if (holders.length === 0 && members.missing.length > 0) return [`who holds ${vip} is unknown, as ${hostNames(namesOfMissing(members.missing))} did not answer`];
    return [holders.length === 0 ? `nobody holds ${vip}` : `${vip} is held by ${holders.join(' and ')}`];
  });
}
