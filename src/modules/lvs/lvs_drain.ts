import { DRAIN_WEIGHT, drainChange, DRAINS_FOLDER, type DrainRecord, drainPath, drainWords, formatDrain } from '../../lvs/drain/record.ts';
import { HOST_STATE } from '../../core/host-state.ts';
import { type FactReader, patch } from '../../facts/contract.ts';
import { drainsFact } from '../../facts/records/drains.ts';
import { type Args, type Change, defineModule, type Step } from '../contract.ts';
import { directorTopology, DRAINS } from './topology.ts';

const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['servers'],
  properties: {
    servers: { type: 'array', items: { type: 'string', minLength: 1 }, minItems: 1, description: 'Inventory names of real servers.' },
    weight: { type: 'string', pattern: DRAIN_WEIGHT, description: 'What they get of their weight: "0", a number that it does not rise above, or a share ("25%"). Default "0".' },
    state: { enum: ['present', 'absent'], description: 'absent: the record goes, and with it the drain. Default present.' },
    by: { type: 'string', description: 'Whose drain it is.' },
    reason: { type: 'string', description: 'Why.' },
    since: { type: 'string', description: 'When it began, ISO 8601.' },
    until: { type: 'string', description: 'When it should be over, ISO 8601. Nothing happens then by itself.' },
    run: { type: 'string', description: 'The run that drains.' },
  },
} as const;

type DrainArgs = Args<typeof schema>;

/**
 * Writes down on a director which real servers get less than their weight. The modules `keepalived` and `lvs_director`, which come after it, bring that into force; so
 * does every deploy until the record is gone.
 */
export default defineModule<DrainArgs>({
  name: 'lvs_drain',
  summary: 'Note on a director that real servers are drained, by whom and why; keepalived and lvs_director then give them that weight',
  schema,
  // Who and when is about the drain; it changes nothing that anybody balances by.
  notState: ['since', 'run'],
  examples: [
    { name: 'Out', args: { servers: ['rs1'], by: 'alice@ops1', reason: 'kernel upgrade', since: '2026-11-24T04:00:00Z' } },
    { name: 'A quarter', args: { servers: ['rs1', 'rs2'], weight: '25%', by: 'alice@ops1' } },
    { name: 'Back', args: { servers: ['rs1'], state: 'absent' } },
  ],
  facts: (args, context) => {
    directorTopology(context);
    for (const server of args.servers) drainPath(HOST_STATE, server);
    return [DRAINS];
  },
  diff: (args, facts): Change[] =>
    wantedOf(args, facts).flatMap(({ server, is, wanted }): Change[] => {
      const [before, after] = [is, wanted].map((record) => (record === undefined ? null : drainWords(record))) as [string | null, string | null];
      return before === after ? [] : [{ path: drainChange(server), before, after }];
    }),
  apply: (args, changes, facts): Step[] => {
    const due = wantedOf(args, facts).filter(({ server }) => changes.some(({ path }) => path === drainChange(server)));
    const stale = [{ fact: 'drains', key: '*' }];
    const folder = `${HOST_STATE}/${DRAINS_FOLDER}`;
    const gone = due.filter(({ wanted }) => wanted === undefined).map(({ server }) => drainPath(HOST_STATE, server));
    return [
      ...(due.length > gone.length ? [{ kind: 'exec' as const, title: `make ${folder}`, argv: ['install', '-d', '-m', '0700', HOST_STATE, folder], stale }] : []),
      ...due.flatMap(({ server, wanted }): Step[] => (wanted === undefined ? [] : [{ kind: 'put', title: `note the drain of ${server}`, path: drainPath(HOST_STATE, server), content: Buffer.from(formatDrain(wanted)), mode: '0600', stale }])),
      ...(gone.length === 0 ? [] : [{ kind: 'exec' as const, title: 'forget the drain', argv: ['rm', '-f', '--', ...gone], stale }]),
    ];
  },
  after: (args, changes, facts) => {
    if (changes.length === 0) return [];
    const wanted = wantedOf(args, facts);
    return [
      patch(drainsFact, HOST_STATE, (drains) => {
        const others = Object.entries(drains).filter(([host]) => !args.servers.includes(host));
        return Object.fromEntries([...others, ...wanted.flatMap(({ server, wanted: record }) => (record === undefined ? [] : [[server, record] as const]))]);
      }),
    ] as never;
  },
});

/** What is, and what shall be. A record that already says so keeps when it began and the run that did. */
function wantedOf(args: DrainArgs, facts: FactReader): { readonly server: string; readonly is: DrainRecord | undefined; readonly wanted: DrainRecord | undefined }[] {
  const drains = facts.get(drainsFact, HOST_STATE);
  return args.servers.map((server) => {
    const is = drains[server];
    if (args.state === 'absent') return { server, is, wanted: undefined };
    const { weight = '0', by = is?.by ?? '', reason = is?.reason ?? '', since = '', until = null, run = null } = args;
    return { server, is, wanted: { version: 1, host: server, weight, by, reason, since: is === undefined || is.since === '' ? since : is.since, until, run: run ?? is?.run ?? null } };
  });
}
