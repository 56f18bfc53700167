import { LvsPlayError } from '../../core/errors.ts';
import { MANAGED } from '../../core/managed.ts';
import { addressFact } from '../../facts/network/address.ts';
import { contentFact, contentOf, NO_CONTENT } from '../../facts/files/content.ts';
import { patch, request } from '../../facts/contract.ts';
import { NEW_UNIT, unitFact } from '../../facts/system/unit.ts';
import { parsePrefixed } from '../../lvs/model/ip.ts';
import { type Args, type Change, defineModule, type Step } from '../contract.ts';
import { contentChange } from '../files/text-change.ts';

const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['interface', 'address'],
  properties: {
    interface: { type: 'string', pattern: '^[A-Za-z0-9_.-]{1,15}$', description: 'An interface that exists, lo included.' },
    address: { type: 'string', description: 'With prefix length: 192.168.0.38/32 or 2001:db8::38/128.' },
    state: { enum: ['present', 'absent'], description: 'Default present.' },
    persistent: { type: 'boolean', description: 'Also after a reboot, by a systemd unit of its own. Default true.' },
  },
} as const;

type AddressArgs = Args<typeof schema>;

export default defineModule<AddressArgs>({
  name: 'ip_address',
  summary: 'Put an address on an interface, now and after a reboot; other addresses are left alone',
  schema,
  notState: [],
  examples: [
    { name: 'A virtual IP on lo', args: { interface: 'lo', address: '192.168.0.38/32' } },
    { name: 'Until the next reboot', args: { interface: 'eth0', address: '10.0.0.8/24', persistent: false } },
    { name: 'Gone', args: { interface: 'lo', address: '192.168.0.38/32', state: 'absent' } },
  ],
  resolve: (args) => {
    const address = parsePrefixed(args.address);
    if (address === undefined || !args.address.includes('/')) {
      throw new LvsPlayError({ code: 'bad-argument', kind: 'input', message: `ip_address: ${args.address} is no address with a prefix length`, hint: 'write 192.168.0.38/32' });
    }
    // As the kernel writes it, to be found among its addresses.
    return Promise.resolve({ ...args, address: `${address.address}/${String(address.prefix)}` });
  },
  facts: (args) => [request(addressFact, args.interface), request(contentFact, fileOf(args)), request(unitFact, unitOf(args))] as never,
  diff: (args, facts): Change[] => {
    const present = facts.get(addressFact, args.interface).addresses.includes(args.address);
    const file = facts.get(contentFact, fileOf(args));
    const unit = file.state === 'absent' ? NEW_UNIT : facts.get(unitFact, unitOf(args));
    const path = `${args.interface} ${args.address}`;
    const wanted = args.state !== 'absent';
    const runtime: Change[] = present === wanted ? [] : [{ path, before: present ? 'present' : null, after: wanted ? 'present' : null }];
    if (wanted && args.persistent !== false) {
      const boot: Change[] = unit.enabled === 'enabled' ? [] : [{ path: `${unitOf(args)} enabled`, before: false, after: true }];
      return [...runtime, ...contentChange(fileOf(args), file, textOf(args)), ...boot];
    }
    return file.state === 'absent' ? runtime : [...runtime, { path: fileOf(args), before: 'file', after: null }];
  },
  apply: (args, changes): Step[] => {
    const stale = [
      { fact: 'address', key: args.interface },
      { fact: 'content', key: fileOf(args) },
      { fact: 'file', key: fileOf(args) },
      { fact: 'unit', key: '*' },
    ];
    const step = (title: string, ...argv: string[]): Step => ({ kind: 'exec', title, argv, stale });
    return changes.flatMap((change): Step[] => {
      if (change.path === `${args.interface} ${args.address}`) {
        return change.after === null
          ? [step(`remove ${args.address} from ${args.interface}`, 'ip', 'address', 'delete', args.address, 'dev', args.interface)]
          : [step(`put ${args.address} on ${args.interface}`, 'ip', 'address', 'replace', args.address, 'dev', args.interface)];
      }
      if (change.path === `${unitOf(args)} enabled`) return [step(`enable ${unitOf(args)}`, 'systemctl', 'enable', unitOf(args))];
      if (change.after === null) {
        return [
          step(`disable ${unitOf(args)}`, 'systemctl', 'disable', unitOf(args)),
          step(`remove ${fileOf(args)}`, 'rm', '-f', '--', fileOf(args)),
          step('read unit files again', 'systemctl', 'daemon-reload'),
        ];
      }
      return [{ kind: 'put', title: `write ${fileOf(args)}`, path: fileOf(args), content: textOf(args), mode: '0644', stale }, step('read unit files again', 'systemctl', 'daemon-reload')];
    });
  },
  after: (args, changes) =>
    changes.map((change) => {
      if (change.path === `${args.interface} ${args.address}`) {
        return patch(addressFact, args.interface, (state) => ({
          exists: true,
          addresses: change.after === null ? state.addresses.filter((address) => address !== args.address) : [...state.addresses, args.address],
        }));
      }
      if (change.path.endsWith(' enabled')) return patch(unitFact, unitOf(args), (unit) => ({ ...unit, exists: true, enabled: 'enabled' }));
      return patch(contentFact, fileOf(args), () => (change.after === null ? NO_CONTENT : contentOf(textOf(args))));
    }),
});

function unitOf(args: AddressArgs): string {
  return `lvs-play-address-${args.interface}-${args.address.replaceAll(/[^A-Za-z0-9.]/g, '_')}.service`;
}

function fileOf(args: AddressArgs): string {
  return `/etc/systemd/system/${unitOf(args)}`;
}

function textOf(args: AddressArgs): Buffer {
  const device = args.interface === 'lo' ? [] : [`BindsTo=sys-subsystem-net-devices-${args.interface.replaceAll('-', '\\x2d')}.device`, `After=sys-subsystem-net-devices-${args.interface.replaceAll('-', '\\x2d')}.device`];
  return Buffer.from(
    [
      `# ${MANAGED}`,
      '[Unit]',
      `Description=${args.address} on ${args.interface}`,
      'After=network-pre.target systemd-sysctl.service',
      ...device,
      '',
      '[Service]',
      'Type=oneshot',
      'RemainAfterExit=yes',
      `ExecStart=/sbin/ip address replace ${args.address} dev ${args.interface}`,
      `ExecStop=-/sbin/ip address delete ${args.address} dev ${args.interface}`,
      '',
      '[Install]',
      'WantedBy=multi-user.target',
      '',
    ].join('\n'),
  );
}
