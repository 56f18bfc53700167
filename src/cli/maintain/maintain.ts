import { existsSync } from 'node:fs';
import path from 'node:path';
import { LvsPlayError, messageOf } from '../../core/errors.ts';
import { newRunId } from '../../core/run-id.ts';
import { ALLOWED_RULES as FAILOVER_RULES } from '../failover/failover.ts';
import { failoverHands } from '../failover/hands.ts';
import { directorTurn, idleFirst, STANDBY_RULES } from '../../maintain/directors.ts';
import { type KeepMaintenance, maintain } from '../../maintain/maintain.ts';
import { serverTurn } from '../../maintain/servers.ts';
import { begin, type Maintenance, type MaintenanceOrder, openBatches, stageWords } from '../../maintain/maintenance.ts';
import { journalDir } from '../../journal/place.ts';
import { readState } from '../../journal/read.ts';
import type { RunEnd } from '../../journal/types.ts';
import { kindOfMissing, missingIn } from '../../observe/missing.ts';
import { namesOfMissing } from '../../observe/words.ts';
import { EXIT } from '../exit.ts';
import { openJournal } from '../run/journal.ts';
import { type CommonOptions, requireReason } from '../input/options.ts';
import { operator } from '../operator.ts';
import { printProgress, printResult, processSecrets } from '../output.ts';
import type { RunToResume } from '../run/resume.ts';
import { maintainedHosts } from './hosts.ts';
import { ALLOWED_RULES as DRAIN_RULES, withHands } from '../drain/drain.ts';
import type { OpenHands } from '../drain/hands.ts';

/** Rules of what a maintenance does that --allow takes. */
const ALLOWED_RULES: readonly string[] = [...new Set([...DRAIN_RULES, ...FAILOVER_RULES, ...STANDBY_RULES])];

export interface MaintainFlags extends Pick<MaintenanceOrder, 'reboot' | 'timeout' | 'onTimeout' | 'persistence' | 'ramp' | 'hold'> {
  readonly playbook: string | undefined;
  readonly serial: readonly string[];
}

/** `maintain`, from the command line to the exit code. */
export async function maintainHosts(patterns: readonly string[], options: CommonOptions, flags: MaintainFlags): Promise<number> {
  requireReason(options, ALLOWED_RULES);
  if (flags.playbook === undefined && !flags.reboot) throw new LvsPlayError({ code: 'nothing-to-do', kind: 'usage', message: 'maintain: neither --playbook nor --reboot says what is to be done', hint: 'lvs-play drain takes hosts out for work by hand' });
  if (flags.playbook !== undefined && !existsSync(flags.playbook)) throw new LvsPlayError({ code: 'no-playbook', kind: 'usage', message: `--playbook ${flags.playbook}: there is no such file` });
  const id = newRunId(new Date());
  const { playbook, serial, ...order } = flags;
  return withHands(options, async (open) => {
    const { kind, batches } = maintainedHosts(patterns, open.opened.site, serial);
    const begun = begin({
      ...order,
      kind,
      batches: kind === 'directors' ? await inTurn(open, batches) : batches,
      playbook: playbook === undefined ? null : path.resolve(playbook),
      by: operator(),
      reason: options.reason ?? '',
      allow: options.allow,
      removedShare: open.removedShare,
    });
    return carryOut({ id, begun, open, options });
  }, { partOf: id, rules: ALLOWED_RULES });
}

/** Goes on with a maintenance. @param resume of its run in the journal */
export async function resumeMaintenance({ header, options }: RunToResume): Promise<number> {
  const state = (await readState(journalDir(), header.id)) as Maintenance | undefined;
  if (state?.version !== 1) throw new LvsPlayError({ code: 'not-resumable', kind: 'usage', message: `maintenance ${header.id} had not begun`, hint: 'start it again' });
  const id = newRunId(new Date());
  return withHands(options, (open) => {
    printProgress(`going on with ${header.line}: ${stageWords(state)}\n`);
    return carryOut({ id, begun: { ...state, order: { ...state.order, by: operator() } }, open, options, of: header.id });
  }, { partOf: id, rules: ALLOWED_RULES });
}

/** Directors that hold nothing at this moment come first. */
async function inTurn(open: OpenHands, batches: readonly (readonly string[])[]): Promise<string[][]> {
  const { topology } = open.hands;
  const look = await failoverHands(open).lookAtPairs([...topology.pairs.keys()]);
  return idleFirst(topology, batches.flat(), look).map((host) => [host]);
}

/** All of a maintenance, by the kind of its hosts. */
function roll(open: OpenHands, begun: Maintenance, keep: KeepMaintenance): Promise<Maintenance> {
  return begun.order.kind === 'directors' ? maintain(failoverHands(open), directorTurn, begun, keep) : maintain(open.hands, serverTurn, begun, keep);
}

interface Work {
  readonly id: string;
  readonly begun: Maintenance;
  readonly open: OpenHands;
  readonly options: CommonOptions;
  /** The maintenance that it goes on with. */
  readonly of?: string;
}

async function carryOut({ id, begun, open, options, of }: Work): Promise<number> {
  const hosts = begun.order.batches.flat();
  const line = `maintain ${hosts.join(' ')}${begun.order.playbook === null ? '' : ` --playbook ${begun.order.playbook}`}${begun.order.reboot ? ' --reboot' : ''}`;
  const journal = openJournal({ id, command: 'maintain', playbook: begun.order.playbook ?? '', options, line, ...(of === undefined ? {} : { of }) });
  journal.update({ changing: hosts });
  let now = begun;
  const end = (result: RunEnd['result'], message?: string): void => {
    journal.end({ version: 1, at: new Date().toISOString(), result, message, recap: {} });
  };
  try {
    await roll(open, begun, (next) => {
      now = next;
      journal.state(next);
    });
    end('ok');
    printResult(options.json ? document(id, now, undefined) : `${hosts.join(', ')}: maintained\n`);
    return EXIT.ok;
  } catch (error) {
    const message = processSecrets.mask(messageOf(error));
    const missing = missingIn(error);
    const untouched = Object.values(now.hosts).every((stage) => stage === 'waiting') && error instanceof LvsPlayError && (error.kind === 'input' || missing.length > 0);
    const interrupted = open.hands.signal.aborted;
    end(untouched ? 'refused' : interrupted ? 'interrupted' : 'failed', message);
    if (options.json) printResult(document(id, now, error));
    if (untouched) throw error;
    printProgress(`${stageWords(now)}\n${openBatches(now).length === 0 ? '' : `go on with: lvs-play resume ${id}\n`}`);
    throw new LvsPlayError({ code: 'maintenance-stopped', kind: interrupted ? 'interrupted' : missing.length > 0 ? kindOfMissing(missing) : 'verification', message: `the maintenance stopped: ${messageOf(error)}`, hint: error instanceof LvsPlayError ? error.hint : undefined, cause: error });
  } finally {
    journal.close();
  }
}

/** @param error why it stopped; undefined: it did not */
function document(id: string, { order, hosts }: Maintenance, error: unknown): string {
  const unknown = namesOfMissing(missingIn(error));
  return `${JSON.stringify({ version: 1, id, batches: order.batches, hosts, error: error === undefined ? null : processSecrets.mask(messageOf(error)), unknown, verdict: error === undefined ? 'maintained' : unknown.length > 0 ? null : 'stopped' }, null, 2)}\n`;
}
