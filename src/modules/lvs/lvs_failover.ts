import { HOST_STATE } from '../../core/host-state.ts';
import { LvsPlayError } from '../../core/errors.ts';
import { type FactReader, patch } from '../../facts/contract.ts';
import { failoversFact } from '../../facts/records/failovers.ts';
import { failoverChange, failoverPath, type FailoverRecord, FAILOVERS_FOLDER, failoverWords, formatFailover, PAIR_NAME } from '../../lvs/failover/record.ts';
import type { Topology } from '../../lvs/model/topology.ts';
import { type Args, type Change, defineModule, type Step } from '../contract.ts';
import { directorTopology, FAILOVERS } from './topology.ts';

const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['pairs'],
  properties: {
    pairs: { type: 'array', items: { type: 'string', pattern: PAIR_NAME }, minItems: 1, description: 'Names of HA pairs (lvs.ha_pairs); those of one sync group together.' },
    to: { type: 'string', minLength: 1, description: 'Inventory name of the director that gets their highest priority. Needed unless the record goes.' },
    state: { enum: ['present', 'absent'], description: 'absent: the record goes, and with it the failover. Default present.' },
    by: { type: 'string', description: 'Whose failover it is.' },
    reason: { type: 'string', description: 'Why.' },
    since: { type: 'string', description: 'When it began, ISO 8601.' },
    until: { type: 'string', description: 'When it should be over, ISO 8601. Nothing happens then by itself.' },
  },
} as const;

type FailoverArgs = Args<typeof schema>;

/**
 * Writes down on a director to whom its pairs are moved. The module `keepalived`, which comes after it, brings that into force; so does every deploy until the record
 * is gone.
 */
export default defineModule<FailoverArgs>({
  name: 'lvs_failover',
  summary: 'Note on a director that HA pairs are moved to one of their members, by whom and why; keepalived then gives that one the highest priority',
  schema,
  // When it began is about the failover; it changes nothing that anybody goes by.
  notState: ['since'],
  examples: [
    { name: 'To the other director', args: { pairs: ['edge'], to: 'lvs2', by: 'alice@ops1', reason: 'kernel upgrade', since: '2026-11-24T04:00:00Z' } },
    { name: 'Back', args: { pairs: ['edge'], state: 'absent' } },
  ],
  facts: (args, context) => {
    const topology = directorTopology(context);
    if (args.state !== 'absent') for (const pair of args.pairs) requireMember(topology, pair, args.to);
    return [FAILOVERS];
  },
  diff: (args, facts): Change[] =>
    wantedOf(args, facts).flatMap(({ pair, is, wanted }): Change[] => {
      const [before, after] = [is, wanted].map((record) => (record === undefined ? null : failoverWords(record))) as [string | null, string | null];
      return before === after ? [] : [{ path: failoverChange(pair), before, after }];
    }),
  apply: (args, changes, facts): Step[] => {
    const due = wantedOf(args, facts).filter(({ pair }) => changes.some(({ path }) => path === failoverChange(pair)));
    const stale = [{ fact: 'failovers', key: '*' }];
    const folder = `${HOST_STATE}/${FAILOVERS_FOLDER}`;
    const gone = due.filter(({ wanted }) => wanted === undefined).map(({ pair }) => failoverPath(HOST_STATE, pair));
    return [
      ...(due.length > gone.length ? [{ kind: 'exec' as const, title: `make ${folder}`, argv: ['install', '-d', '-m', '0700', HOST_STATE, folder], stale }] : []),
      ...due.flatMap(({ pair, wanted }): Step[] => (wanted === undefined ? [] : [{ kind: 'put', title: `note the failover of ${pair}`, path: failoverPath(HOST_STATE, pair), content: Buffer.from(formatFailover(wanted)), mode: '0600', stale }])),
      ...(gone.length === 0 ? [] : [{ kind: 'exec' as const, title: 'forget the failover', argv: ['rm', '-f', '--', ...gone], stale }]),
    ];
  },
  after: (args, changes, facts) => {
    if (changes.length === 0) return [];
    const wanted = wantedOf(args, facts);
    return [
      patch(failoversFact, HOST_STATE, (records) => {
        const others = Object.entries(records).filter(([pair]) => !args.pairs.includes(pair));
        return Object.fromEntries([...others, ...wanted.flatMap(({ pair, wanted: record }) => (record === undefined ? [] : [[pair, record] as const]))]);
      }),
    ] as never;
  },
});

function requireMember(topology: Topology, name: string, to: string | undefined): void {
  const pair = topology.pairs.get(name);
  if (pair === undefined) throw refused(`${name} is no HA pair of the inventory`, `the pairs are ${[...topology.pairs.keys()].join(', ')}`);
  const members = pair.members.map(({ host }) => host);
  if (to === undefined) throw refused(`${name}: nobody is named to move it to`, `say to: one of ${members.join(', ')}`);
  if (!members.includes(to)) throw refused(`${to} is no member of ${name}`, `its members are ${members.join(', ')}`);
}

function refused(message: string, hint: string): LvsPlayError {
  return new LvsPlayError({ code: 'bad-failover', kind: 'input', message, hint });
}

/** What is, and what shall be. A record that already moves the pair there keeps when it began. */
function wantedOf(args: FailoverArgs, facts: FactReader): { readonly pair: string; readonly is: FailoverRecord | undefined; readonly wanted: FailoverRecord | undefined }[] {
  const records = facts.get(failoversFact, HOST_STATE);
  return args.pairs.map((pair) => {
    const is = records[pair];
    if (args.state === 'absent') return { pair, is, wanted: undefined };
    const { to = '', by = is?.by ?? '', reason = is?.reason ?? '', since = '', until = null } = args;
    return { pair, is, wanted: { version: 1, pair, to, by, reason, since: is?.to === to && is.since !== '' ? is.since : since, until } };
  });
}
