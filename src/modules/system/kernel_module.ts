import { patch, request } from '../../facts/contract.ts';
import { kernelModuleFact } from '../../facts/system/kernel-module.ts';
import { contentFact, contentOf, NO_CONTENT } from '../../facts/files/content.ts';
import { type Args, type Change, defineModule, type Step } from '../contract.ts';
import { contentChange } from '../files/text-change.ts';

const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['name'],
  properties: {
    name: { type: 'string', pattern: '^[A-Za-z0-9_-]+$', description: 'A kernel module, e.g. ip_vs_rr.' },
    state: { enum: ['present', 'absent'], description: 'Loaded or not. Default present.' },
    persistent: { enum: ['present', 'absent'], description: 'Whether it is loaded at boot (/etc/modules-load.d). Default: left as it is.' },
  },
} as const;

type KernelModuleArgs = Args<typeof schema>;

/** With a module come its kernel parameters, the modules it needs, its devices and their addresses, and its tables. */
const STALE = ['kernel_module', 'sysctl', 'tunnel', 'address', 'firewall', 'ipvs', 'balance'].map((fact) => ({ fact, key: '*' }));

export default defineModule<KernelModuleArgs>({
  name: 'kernel_module',
  summary: 'Load or unload a kernel module, now and at boot',
  schema,
  notState: [],
  examples: [
    { name: 'IPVS, now and at boot', args: { name: 'ip_vs', persistent: 'present' } },
    { name: 'Not at boot any more', args: { name: 'ip_vs_ftp', state: 'absent', persistent: 'absent' } },
  ],
  facts: (args) => [request(kernelModuleFact, args.name), ...(args.persistent === undefined ? [] : [request(contentFact, fileOf(args))])] as never,
  diff: (args, facts): Change[] => {
    const { loaded } = facts.get(kernelModuleFact, args.name);
    const wanted = args.state !== 'absent';
    const changes: Change[] = loaded === wanted ? [] : [{ path: `module ${args.name}`, before: loaded ? 'loaded' : null, after: wanted ? 'loaded' : null }];
    if (args.persistent === undefined) return changes;
    const file = facts.get(contentFact, fileOf(args));
    if (args.persistent === 'present') return [...changes, ...contentChange(fileOf(args), file, contentFor(args))];
    return file.state === 'absent' ? changes : [...changes, { path: fileOf(args), before: 'file', after: null }];
  },
  apply: (args, changes): Step[] => {
    const steps: Step[] = [];
    const module = changes.find((change) => change.path === `module ${args.name}`);
    if (module?.after === 'loaded') steps.push({ kind: 'exec', title: `load ${args.name}`, argv: ['modprobe', args.name], stale: STALE });
    if (module?.after === null) steps.push({ kind: 'exec', title: `unload ${args.name}`, argv: ['modprobe', '-r', args.name], stale: STALE });
    const file = changes.find((change) => change.path === fileOf(args));
    const fileStale = [
      { fact: 'content', key: fileOf(args) },
      { fact: 'file', key: fileOf(args) },
    ];
    if (file !== undefined && file.after !== null) steps.push({ kind: 'put', title: `load ${args.name} at boot`, path: fileOf(args), content: contentFor(args), mode: '0644', stale: fileStale });
    if (file?.after === null) steps.push({ kind: 'exec', title: `no longer load ${args.name} at boot`, argv: ['rm', '-f', '--', fileOf(args)], stale: fileStale });
    return steps;
  },
  after: (args, changes) =>
    changes.map((change) =>
      change.path === fileOf(args)
        ? patch(contentFact, fileOf(args), () => (change.after === null ? NO_CONTENT : contentOf(contentFor(args))))
        : patch(kernelModuleFact, args.name, () => ({ loaded: change.after !== null })),
    ),
});

function fileOf(args: KernelModuleArgs): string {
  return `/etc/modules-load.d/lvs-play-${args.name}.conf`;
}

function contentFor(args: KernelModuleArgs): Buffer {
  return Buffer.from(`${args.name}\n`);
}
