/** What a command looks at when it is called so. */
export interface Case {
  readonly args: readonly string[];
  /** Which hosts it looks at; of others it does not hear. */
  readonly looksAt: readonly string[];
  /** It finds something on hosts that answer: its verdict is known then, whatever the others are. */
  readonly finds?: true;
  /** It prints no document. */
  readonly textOnly?: true;
  /** It goes on until it is told to end, after its first result. */
  readonly endless?: true;
  /** Kinds of host that it is not tried with: it waits long for them. */
  readonly not?: readonly string[];
  /** Done before, while all is well: a run that is to be gone on with. */
  readonly before?: readonly string[];
}

const DIRECTORS = ['lvs1', 'lvs2'];
const SERVERS = ['rs1', 'rs2', 'rs3'];
const ALL = [...DIRECTORS, ...SERVERS];

/**
 * Every command, with what it looks at; none for one that looks at no host. A command that is missing here fails the test.
 * `PLAN` is a saved plan, `RUN` a run that changed every host, made while all was well.
 */
export const TABLE: Readonly<Record<string, readonly Case[]>> = {
  deploy: [{ args: ['deploy', 'site.yml'], looksAt: ALL }, { args: ['deploy', 'site.yml', '-C'], looksAt: ALL }],
  plan: [{ args: ['plan', 'site.yml'], looksAt: ALL }, { args: ['plan', 'site.yml', '--detailed-exitcode'], looksAt: ALL }, { args: ['plan', 'site.yml', '--refresh-only'], looksAt: ALL }],
  apply: [{ args: ['apply', 'PLAN'], looksAt: ALL }],
  show: [],
  drift: [{ args: ['drift', 'site.yml'], looksAt: ALL }],
  status: [
    { args: ['status'], looksAt: DIRECTORS },
    { args: ['status', '--metrics'], looksAt: DIRECTORS, textOnly: true },
    { args: ['status', '--watch', '1s'], looksAt: DIRECTORS, endless: true },
    { args: ['status', '--drift', 'site.yml'], looksAt: ALL },
  ],
  verify: [
    { args: ['verify'], looksAt: ALL },
    { args: ['verify', '--no-hosts'], looksAt: DIRECTORS },
    { args: ['verify', '--no-hosts', '--plan', 'site.yml'], looksAt: ALL },
    { args: ['verify', '--watch', '1s'], looksAt: ALL, endless: true },
  ],
  drain: [{ args: ['drain', 'rs1', '--timeout', '1s', '--allow', 'undeployed', '--allow', 'removed-share', '--reason', 'test'], looksAt: [...DIRECTORS, 'rs1'] }],
  restore: [{ args: ['restore', 'rs1'], looksAt: DIRECTORS }],
  maintain: [{ args: ['maintain', 'lvs2', '--reboot'], looksAt: DIRECTORS }, { args: ['maintain', 'rs1', '--reboot'], looksAt: [...DIRECTORS, 'rs1'], not: ['a real server'] }],
  failover: [
    { args: ['failover', 'edge'], looksAt: DIRECTORS },
    { args: ['failover', 'edge', '--to', 'lvs1'], looksAt: DIRECTORS },
    { args: ['failover', 'edge', '--drill', 'stop', '--yes'], looksAt: DIRECTORS },
  ],
  failback: [{ args: ['failback', 'edge'], looksAt: DIRECTORS }],
  explain: [{ args: ['explain', 'web', '--live'], looksAt: ALL }],
  import: [{ args: ['import', '--from', ALL.join(',')], looksAt: ALL }],
  lint: [{ args: ['lint', '--live'], looksAt: ALL }],
  inventory: [],
  module: [],
  resume: [{ args: ['resume', 'last'], looksAt: ALL, before: ['deploy', 'fails-once.yml'] }],
  rollback: [{ args: ['rollback', 'RUN', '-C'], looksAt: ALL, finds: true }, { args: ['rollback', 'RUN'], looksAt: ALL }],
  confirm: [{ args: ['confirm', 'zzz'], looksAt: ALL }, { args: ['confirm', 'RUN'], looksAt: ALL }],
  history: [{ args: ['history'], looksAt: ALL }],
  lock: [{ args: ['lock', 'status'], looksAt: ALL }, { args: ['lock', 'acquire', '--reason', 'test'], looksAt: ALL }, { args: ['lock', 'release', '--force'], looksAt: ALL }],
  // Clients' requests, and replicas that a lab boots: what they see is not what a host says.
  pulse: [],
  rehearse: [],
  lab: [],
};

/** Who fails, by kind. */
export const KINDS: Readonly<Record<string, readonly string[]>> = { 'both directors': DIRECTORS, 'a real server': ['rs1'], 'one member of a pair': ['lvs1'], 'every host': ALL };
