import { LvsPlayError } from '../../core/errors.ts';
import { contentFact } from '../../facts/files/content.ts';
import { type FactReader, patch, request } from '../../facts/contract.ts';
import { sysctlFact, sysctlPath } from '../../facts/system/sysctl.ts';
import { type Args, type Change, defineModule, type Step } from '../contract.ts';
import { contentChange } from '../files/text-change.ts';
import { sysctlStep } from './write-sysctls.ts';
import { filePatches, fileStale } from '../files/write-file.ts';

const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['name'],
  properties: {
    name: { type: 'string', pattern: '^[A-Za-z0-9_](?:[A-Za-z0-9_./-]|[./]\\*(?=[./]))*$', description: 'A kernel parameter, e.g. net.ipv4.ip_forward; with one * for a part, all of that form: net.ipv4.conf.*.send_redirects.' },
    value: { type: ['string', 'integer', 'boolean'], description: 'What it shall be. true is 1, false is 0.' },
    state: { enum: ['present', 'absent'], description: 'absent takes the line out of the file and leaves the running value. Default present.' },
    sysctl_file: { type: 'string', pattern: '^/', description: 'Where it is kept for the next boot. Default /etc/sysctl.d/90-lvs-play.conf.' },
  },
} as const;

type SysctlArgs = Args<typeof schema>;

const DEFAULT_FILE = '/etc/sysctl.d/90-lvs-play.conf';

export default defineModule<SysctlArgs>({
  name: 'sysctl',
  summary: 'Set a kernel parameter, now and for the next boot',
  schema,
  notState: [],
  examples: [
    { name: 'Forward packets', args: { name: 'net.ipv4.ip_forward', value: 1 } },
    { name: 'No longer kept', args: { name: 'net.ipv4.ip_forward', state: 'absent', sysctl_file: '/etc/sysctl.d/99-old.conf' } },
  ],
  facts: (args) => {
    if (args.state !== 'absent' && (args.value === undefined || valueOf(args) === '')) {
      throw new LvsPlayError({ code: 'bad-argument', kind: 'input', message: `sysctl: ${args.name} has no value`, hint: 'add value: 1, or state: absent' });
    }
    return [request(sysctlFact, args.name), request(contentFact, fileOf(args))] as never;
  },
  diff: (args, facts) => {
    const changes: Change[] = [];
    const now = facts.get(sysctlFact, args.name);
    if (args.state !== 'absent' && now !== valueOf(args)) changes.push({ path: `sysctl ${args.name}`, before: now, after: valueOf(args) });
    const file = facts.get(contentFact, fileOf(args));
    if (args.state === 'absent' && file.state !== 'file') return changes;
    return [...changes, ...contentChange(fileOf(args), file, newContent(args, facts))];
  },
  apply: (args, changes, facts): Step[] => {
    const steps: Step[] = [];
    const file = fileOf(args);
    // What the kernel refuses must not be kept for the next boot.
    if (changes.some((change) => change.path === `sysctl ${args.name}`)) steps.push(sysctlStep(`set ${args.name}`, { [args.name]: valueOf(args) }));
    if (changes.some((change) => change.path === file)) {
      steps.push({
        kind: 'put',
        title: `keep ${args.name} in ${file}`,
        path: file,
        content: newContent(args, facts),
        stale: fileStale(file),
      });
    }
    return steps;
  },
  after: (args, changes, facts) =>
    changes.flatMap((change) =>
      change.path === fileOf(args)
        ? filePatches({ path: fileOf(args), content: newContent(args, facts) }, facts.get(contentFact, fileOf(args)).state === 'absent')
        : [patch(sysctlFact, args.name, () => valueOf(args))],
    ),
});

function fileOf(args: SysctlArgs): string {
  return args.sysctl_file ?? DEFAULT_FILE;
}

function valueOf(args: SysctlArgs): string {
  const { value } = args;
  return typeof value === 'boolean' ? (value ? '1' : '0') : String(value ?? '').trim().replaceAll(/\s+/g, ' ');
}

/** The file with this parameter's line set or taken out; other lines stay as they are. */
function newContent(args: SysctlArgs, facts: FactReader): Buffer {
  const file = facts.get(contentFact, fileOf(args));
  if (file.state !== 'absent' && file.text === undefined) {
    throw new LvsPlayError({ code: 'unreadable-file', kind: 'host', message: `${fileOf(args)} is no text file of at most 256 KiB: its lines cannot be kept`, hint: 'name another sysctl_file, or look at what is there' });
  }
  const old = file.text ?? '';
  const lines = old === '' ? [] : old.replace(/\n$/, '').split('\n');
  const isOurs = (line: string) => {
    const name = /^\s*-?([^#;=\s][^=\s]*)\s*=/.exec(line)?.[1];
    return name !== undefined && sysctlPath(name) === sysctlPath(args.name);
  };
  const first = lines.findIndex(isOurs);
  const wanted = `${args.name} = ${valueOf(args)}`;
  const kept = lines.filter((line, index) => !isOurs(line) || (args.state !== 'absent' && index === first));
  if (args.state === 'absent') return Buffer.from(kept.map((line) => `${line}\n`).join(''));
  const result = first < 0 ? [...kept, wanted] : kept.map((line) => (isOurs(line) ? wanted : line));
  return Buffer.from(result.map((line) => `${line}\n`).join(''));
}
