import { LvsPlayError } from '../../core/errors.ts';
import { HOST_STATE } from '../../core/host-state.ts';
import { type FactReader, patch, request } from '../../facts/contract.ts';
import { contentFact } from '../../facts/files/content.ts';
import { fileFact } from '../../facts/files/file.ts';
import { ipvsFact, jsonOf, tableOf } from '../../facts/network/ipvs.ts';
import { drainedWeights, drainsFact } from '../../facts/records/drains.ts';
import { keepalivedFact, runningOf } from '../../facts/system/keepalived.ts';
import { packageFact } from '../../facts/system/package.ts';
import { unitFact } from '../../facts/system/unit.ts';
import { configOf, confNodes, type KeepalivedConfig } from '../../lvs/change/config.ts';
import { type ConfigDifference, configDifferences, differencesOf } from '../../lvs/change/differences.ts';
import { kernelRepair, type KernelRepair } from '../../lvs/change/kernel.ts';
import { changedServices, servicesOtherwise, textAsRunning } from '../../lvs/change/running.ts';
import { flaggedIn } from '../../lvs/drain/flags.ts';
import { drainMethodOf } from '../../lvs/drain/method.ts';
import { lessenedHosts, withTable, withWritten } from '../../lvs/drain/topology.ts';
import { tableAfter } from '../../lvs/ipvs/commands.ts';
import { KEEPALIVED_CONF } from '../../lvs/keepalived/place.ts';
import { renderKeepalived } from '../../lvs/keepalived/render.ts';
import { CONFIG_TEST_SINCE } from '../../lvs/keepalived/features.ts';
import { atLeast, type KeepalivedVersion, keepalivedVersion } from '../../lvs/keepalived/version.ts';
import { type Args, type Change, defineModule, type ModuleContext, type PairActivation, type PutStep, type Step } from '../contract.ts';
import { fileChanges, filePatches, fileRequests, fileStale, fileStep, type WantedFile } from '../files/write-file.ts';
import { ipvsChanges, ipvsSteps } from '../ipvs/changes.ts';
import { DRAIN_FLAGS, flagChanges, flagPatches, flagSteps, type WantedFlags } from './drain-flags.ts';
import { directorTopology, DRAINS, FAILOVERS, movedTopology } from './topology.ts';

const schema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    path: { type: 'string', pattern: '^/', description: 'Where it is written. Default /etc/keepalived/keepalived.conf.' },
    drain_timeout: { type: 'integer', minimum: 0, maximum: 86400, description: 'Seconds that connections to a real server which leaves a service are waited for before they are cut. Default 60.' },
  },
} as const;

type KeepalivedArgs = Args<typeof schema>;

const UNIT = 'keepalived.service';

/**
 * Reloads with `systemctl reload`, which only sends SIGHUP and reports nothing; `keepalived -t` on the host has refused a bad file before,
 * and `reload_check_config` in the file makes the daemon check once more.
 */
export default defineModule<KeepalivedArgs>({
  name: 'keepalived',
  summary: "Write a director's keepalived.conf from the topology, checked by the host's own keepalived; reload, never restart",
  schema,
  notState: ['drain_timeout'],
  examples: [{ name: 'From the topology', args: {} }],
  facts: (args, context) => {
    directorTopology(context);
    // The kernel's table before what keepalived makes of it: see Believed.
    return [...fileRequests(pathOf(args)), request(packageFact, 'keepalived'), request(unitFact, UNIT), request(ipvsFact, 'table'), request(keepalivedFact, pathOf(args)), DRAINS, DRAIN_FLAGS, FAILOVERS] as never;
  },
  diff: (args, facts, context): Change[] => {
    const reloads = facts.get(unitFact, UNIT).active ? { impact: 'reloads keepalived' } : {};
    const file = fileChanges(wantedOf(args, facts, context), facts, reloads).map(withoutPasswords);
    const { otherwise, kernel } = driftOf(args, facts, context);
    const running = otherwise.map(({ about, is, wanted, secret }, index): Change => ({ path: `${RUNNING}: ${about}`, before: is, after: wanted, ...(secret ? { sensitive: true } : {}), ...(index === 0 ? reloads : {}) }));
    return [...file, ...running, ...flagChanges(flagsOf(facts, context), facts), ...ipvsChanges(kernel.commands)];
  },
  apply: (args, changes, facts, context): Step[] => {
    const kernel = ipvsSteps(driftOf(args, facts, context).kernel.commands);
    const flags = flagSteps(changes);
    if (!reloads(changes)) return [...kernel, ...flags];
    const wanted = wantedOf(args, facts, context);
    const write = writeStep(wanted, versionOf(facts, context));
    if (!facts.get(unitFact, UNIT).active) return [...flags, write];
    const stale = [...['address', 'ipvs', 'keepalived'].map((fact) => ({ fact, key: '*' })), { fact: 'unit', key: UNIT }, ...fileStale(pathOf(args))];
    const reload: Step = { kind: 'exec', title: 'reload keepalived', activates: true, argv: ['systemctl', 'reload', UNIT], stale };
    // The kernel's table becomes what keepalived takes it for, before it makes something else of it.
    return [...kernel, ...flags, write, reload];
  },
  after: (args, changes, facts, context) => {
    const { target } = driftOf(args, facts, context).kernel;
    return [
      ...(reloads(changes) ? filePatches(wantedOf(args, facts, context), false) : []),
      patch(ipvsFact, 'table', (state) => (target.services.length === 0 ? state : { ...state, table: jsonOf(tableAfter(target, tableOf(state), new Set())) })),
      // What it runs then is only known when it has reloaded.
      ...(reloads(changes) ? [patch(keepalivedFact, pathOf(args), () => null)] : []),
      ...flagPatches(flagsOf(facts, context), changes),
    ] as never;
  },
  pair: (args, changes, facts, context): PairActivation | undefined => {
    const pairs = directorTopology(context).directors.get(context.host)?.pairs ?? [];
    const { text } = facts.get(contentFact, pathOf(args));
    // One that does not run yet, or runs nothing that could be read, has nothing to lose.
    if (!reloads(changes) || pairs.length === 0 || text === undefined || !facts.get(unitFact, UNIT).active) return undefined;
    const wanted = wantedOf(args, facts, context);
    const file = facts.get(fileFact, pathOf(args));
    const before: WantedFile = { path: pathOf(args), content: Buffer.from(text), mode: file.mode, owner: file.owner, group: file.group };
    return {
      pairs,
      before: runningText(text, facts, args),
      after: Buffer.from(wanted.content).toString('utf8'),
      write: (content) => writeStep({ ...wanted, content: Buffer.from(content) }, versionOf(facts, context)),
      putBack: [fileStep(before, 'put the old keepalived.conf back')],
      drainSeconds: args.drain_timeout ?? 60,
    };
  },
});

/** Changes of what keepalived runs while its file says something else. */
const RUNNING = 'running configuration';

/** A reload takes keepalived a second or two: what was written less than so many seconds ago it may not run yet. */
const RELOAD_SECONDS = 10;

/** Otherwise they are about flags, which keepalived is told of at once, or the kernel's table alone, which a reload does not repair. */
function reloads(changes: readonly Change[]): boolean {
  return changes.some(({ path }) => !path.startsWith('ipvs ') && flaggedIn(path) === undefined);
}

/** What a file does not tell: in what keepalived runs something else than it says and shall say, and what the kernel has that keepalived did not put there. */
function driftOf(args: KeepalivedArgs, facts: FactReader, context: ModuleContext): { readonly otherwise: readonly ConfigDifference[]; readonly kernel: KernelRepair } {
  const running = facts.get(unitFact, UNIT).active ? runningOf(facts.get(keepalivedFact, pathOf(args))) : undefined;
  if (running === undefined) return { otherwise: [], kernel: { commands: [], target: { services: [] } } };
  const wantedText = Buffer.from(wantedOf(args, facts, context).content).toString('utf8');
  const wanted = configOf(confNodes(wantedText, pathOf(args)));
  const { text = '' } = facts.get(contentFact, pathOf(args));
  const { fileAge } = running;
  const settled = fileAge === null || fileAge < 0 || fileAge >= RELOAD_SECONDS;
  const others = differencesOf(running.config, wanted);
  const otherwise = settled && !runsFile(text, running.config) ? others : [];
  const behind = servicesOtherwise(running.config, wanted);
  // In the middle of a reload nobody knows whose turn the kernel's table is.
  const believed = settled ? running : { ...running, config: { ...running.config, services: running.config.services.filter(({ name }) => !behind.has(name)) } };
  const due = new Set([...changed(text, wantedText), ...behind]);
  const { topology, weights, method } = flagsOf(facts, context);
  return { otherwise, kernel: kernelRepair(withTable(topology, weights, method), context.host, believed, due, tableOf(facts.get(ipvsFact, 'table'))) };
}

function runsFile(text: string, running: KeepalivedConfig): boolean {
  try {
    return configDifferences(running, configOf(confNodes(text, 'keepalived.conf'))).length === 0;
  } catch (error) {
    if (error instanceof LvsPlayError) return false;
    throw error;
  }
}

function changed(text: string, wanted: string): ReadonlySet<string> {
  try {
    return changedServices(text, wanted);
  } catch (error) {
    // Braces that do not match: nobody knows what it says of any of them.
    if (error instanceof LvsPlayError) return changedServices('', wanted);
    throw error;
  }
}

/** What a reload starts from: the file, or where the daemon runs something else, that. */
function runningText(text: string, facts: FactReader, args: KeepalivedArgs): string {
  const running = runningOf(facts.get(keepalivedFact, pathOf(args)));
  return running === undefined ? text : textAsRunning(text, running.config);
}

function writeStep(wanted: WantedFile, version: KeepalivedVersion): PutStep {
  return atLeast(version, CONFIG_TEST_SINCE)
    ? fileStep(wanted, 'write keepalived.conf, checked by keepalived -t', ['keepalived', '-t', '-f', '{}'])
    : fileStep(wanted, `write keepalived.conf, unchecked: keepalived -t is there from ${CONFIG_TEST_SINCE} on`);
}

/** Also passwords that are too short to be masked everywhere, and those of the file that is replaced. */
function withoutPasswords(change: Change): Change {
  if (change.text === undefined) return change;
  const masked = (text: string) => text.replaceAll(/^(\s*auth_pass\s+).*$/gm, '$1********');
  return { ...change, text: { before: masked(change.text.before), after: masked(change.text.after) } };
}

function pathOf(args: KeepalivedArgs): string {
  return args.path ?? KEEPALIVED_CONF;
}

function wantedOf(args: KeepalivedArgs, facts: FactReader, context: ModuleContext): WantedFile {
  const { topology, weights, method } = flagsOf(facts, context);
  const text = renderKeepalived(withWritten(topology, weights, method), context.host, versionOf(facts, context), method, lessenedHosts(weights));
  // It may hold a password.
  return { path: pathOf(args), content: Buffer.from(text), mode: '0640', owner: 'root', group: 'root' };
}

/** How it drains, and what. */
function flagsOf(facts: FactReader, context: ModuleContext): WantedFlags {
  const topology = movedTopology(context, facts);
  const weights = drainedWeights(facts.get(drainsFact, HOST_STATE));
  return { topology, director: context.host, method: drainMethodOf(topology.drain, versionOf(facts, context)), weights };
}

function versionOf(facts: FactReader, context: ModuleContext): KeepalivedVersion {
  const { installed, candidate, problem } = facts.get(packageFact, 'keepalived');
  const version = keepalivedVersion(installed ?? candidate ?? '');
  if (version !== undefined) return version;
  throw new LvsPlayError({
    code: 'keepalived-version',
    kind: 'host',
    host: context.host,
    message: `${context.host}: keepalived is not installed, and which version would be is not known: ${problem ?? 'no package source of the host offers it'}`,
    hint: 'check the package sources of the host (apt-cache policy keepalived)',
  });
}
