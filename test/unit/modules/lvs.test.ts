import { describe, expect, it } from 'vitest';
import type { Json } from '../../../src/core/json.ts';
import { contentOf } from '../../../src/facts/files/content.ts';
import { REAL_SERVER_SCRIPT } from '../../../src/lvs/host/real-server.ts';
import type { ModuleContext, Step } from '../../../src/modules/contract.ts';
import { loadModule } from '../../../src/modules/registry.ts';
import { changed, EXAMPLE, topologyOf } from '../lvs/support.ts';
import { bare, contextOf, lived, play, storeOf, type World } from './support.ts';

const REAL_SERVER_UNIT_PATH = '/etc/systemd/system/lvs-real-server.service';
const CONF = '/etc/keepalived/keepalived.conf';

const words = (steps: readonly Step[]) => steps.map((step) => (step.kind === 'exec' ? step.argv.join(' ') : step.kind === 'put' ? `put ${step.path}` : step.kind === 'script' ? step.script.replaceAll(/ \|\| \{.*$/gm, '') : step.kind));

/** A world with some answers replaced, by `fact key` or by fact. */
const but = (world: World, answers: Readonly<Record<string, Json>>): World => (fact, key) => answers[`${fact} ${key}`] ?? answers[fact] ?? world(fact, key);

describe('lvs_real_server', () => {
  const deploy = async (world: World, context = contextOf('rs1')) => play(await loadModule('lvs_real_server'), {}, world, context);

  it('sets the ARP rules before the address', async () => {
    const { steps, changes } = await deploy(bare);
    expect(words(steps)).toEqual([
      [
        "printf '%s\\n' 1 >/proc/sys/net/ipv4/conf/all/arp_ignore",
        "printf '%s\\n' 2 >/proc/sys/net/ipv4/conf/all/arp_announce",
        "printf '%s\\n' 1 >/proc/sys/net/ipv4/conf/lo/arp_ignore",
        "printf '%s\\n' 2 >/proc/sys/net/ipv4/conf/lo/arp_announce",
      ].join('\n'),
      `put ${REAL_SERVER_SCRIPT}`,
      `put ${REAL_SERVER_UNIT_PATH}`,
      'systemctl daemon-reload',
      'systemctl enable lvs-real-server.service',
      'ip address replace 192.168.0.38/32 dev lo',
      'systemctl start lvs-real-server.service',
    ]);
    expect(changes.map((change) => change.path)).toEqual([
      'sysctl net.ipv4.conf.all.arp_ignore',
      'sysctl net.ipv4.conf.all.arp_announce',
      'sysctl net.ipv4.conf.lo.arp_ignore',
      'sysctl net.ipv4.conf.lo.arp_announce',
      REAL_SERVER_SCRIPT,
      REAL_SERVER_UNIT_PATH,
      'lvs-real-server.service enabled',
      'lvs-real-server.service state',
      'lo 192.168.0.38/32',
    ]);
  });

  it('makes the tunnel first', async () => {
    const { steps } = await deploy(bare, contextOf('rs1', topologyOf(changed(EXAMPLE, 'mode: dr', 'mode: tun'))));
    const said = words(steps);
    expect(said[0]).toBe('modprobe ipip');
    expect(said.indexOf('ip link set tunl0 up')).toBeLessThan(said.indexOf('ip address replace 192.168.0.38/32 dev tunl0'));
  });

  it('moves to another VIP without a restart: only what our own script names is removed', async () => {
    const first = await deploy(bare);
    const script = first.steps.find((step) => step.kind === 'put' && step.path === REAL_SERVER_SCRIPT);
    const world = but(bare, {
      sysctl: '1',
      unit: { exists: true, active: true, enabled: 'enabled', needsReload: false },
      [`content ${REAL_SERVER_SCRIPT}`]: contentOf(script?.kind === 'put' ? script.content : Buffer.alloc(0)),
      'address lo': { exists: true, addresses: ['127.0.0.1/8', '192.168.0.38/32', '192.168.0.77/32'] },
    });
    const moved = await deploy(world, contextOf('rs1', topologyOf(EXAMPLE.replaceAll('192.168.0.38', '192.168.0.39'))));
    const said = words(moved.steps);
    expect(said).toContain('ip address delete 192.168.0.38/32 dev lo');
    expect(said).toContain('ip address replace 192.168.0.39/32 dev lo');
    expect(said.join()).not.toMatch(/restart|stop|0\.77/);
    expect(moved.diff(moved.next)).toEqual([]);
  });

  it('takes everything back when the host carries no VIP any more, and does nothing to others', async () => {
    const script = (await deploy(bare)).steps.find((step) => step.kind === 'put' && step.path === REAL_SERVER_SCRIPT);
    const world = but(lived, { [`content ${REAL_SERVER_SCRIPT}`]: contentOf(script?.kind === 'put' ? script.content : Buffer.alloc(0)) });
    const gone = await deploy(world, contextOf('lvs1'));
    expect(words(gone.steps)).toEqual(['ip address delete 192.168.0.38/32 dev lo', `rm -f -- ${REAL_SERVER_SCRIPT}`, 'systemctl disable --now lvs-real-server.service', `rm -f -- ${REAL_SERVER_UNIT_PATH}`, 'systemctl daemon-reload']);
    expect((await deploy(bare, contextOf('lvs1'))).changes).toEqual([]);
  });

  it('needs a topology', async () => {
    await expect(deploy(bare, { ...contextOf('rs1'), topology: undefined })).rejects.toMatchObject({ code: 'no-topology', kind: 'input' });
  });
});

describe('keepalived', () => {
  const deploy = async (world: World, context: ModuleContext = contextOf('lvs1')) => play(await loadModule('keepalived'), {}, world, context);

  it('writes a file that keepalived itself has checked', async () => {
    const { steps, changes } = await deploy(bare);
    expect(steps).toMatchObject([{ kind: 'put', path: CONF, mode: '0640', owner: 'root', group: 'root', check: ['keepalived', '-t', '-f', '{}'] }]);
    expect(changes).toMatchObject([{ path: CONF, before: null }]);
    expect(changes[0]?.impact).toBeUndefined();
  });

  it('reloads what runs, and says so', async () => {
    const { steps, changes } = await deploy(lived);
    expect(words(steps)).toEqual([`put ${CONF}`, 'systemctl reload keepalived.service']);
    expect(changes[0]).toMatchObject({ impact: 'reloads keepalived' });
  });

  it('shows no password, neither the old nor the new', async () => {
    const secret = topologyOf(changed(EXAMPLE, 'virtual_router_id: 51', 'virtual_router_id: 51\n    auth_pass: "abc"'));
    const world = but(lived, { content: contentOf(Buffer.from('  auth_pass xyz\n')) });
    const { changes, steps } = await deploy(world, contextOf('lvs1', secret));
    expect(steps[0]?.kind === 'put' && Buffer.from(steps[0].content).toString()).toContain('auth_pass abc');
    expect(changes[0]?.text?.after).toContain('auth_pass ********');
    expect(JSON.stringify(changes)).not.toMatch(/abc|xyz/);
  });

  it('needs a version and a director', async () => {
    const none = but(bare, { package: { installed: null, candidate: null, state: 'absent' } });
    await expect(deploy(none)).rejects.toMatchObject({ code: 'keepalived-version', host: 'lvs1', hint: expect.stringContaining('keepalived') as string });
    await expect(deploy(bare, contextOf('rs1'))).rejects.toMatchObject({ code: 'no-director', kind: 'input' });
  });
});

describe('keepalived that drains by flags', () => {
  const FLAGS = '/var/lib/lvs-play/drain-flags';
  const context = contextOf('lvs1', topologyOf(`drain: { method: flag }\n${EXAMPLE}`));
  const deploy = async (world: World, at = context) => play(await loadModule('keepalived'), {}, world, at);
  const drained = (weight: string): Json => ({ rs1: { version: 1, host: 'rs1', weight, by: 'alice@ops1', reason: '', since: '', until: null, run: null } });
  const flags = (values: Record<string, string>): Json => ({ folder: true, flags: values });
  /** A director that has what a deploy without drains writes. */
  const deployed = async (at = context): Promise<World> => {
    const { steps } = await deploy(bare, at);
    const put = steps.find((step) => step.kind === 'put');
    return but(lived, { [`content ${CONF}`]: contentOf(put?.kind === 'put' ? put.content : Buffer.alloc(0)), [`file ${CONF}`]: { type: 'file', mode: '0640', owner: 'root', group: 'root' }, drains: {}, failovers: {}, drain_flags: flags({}) });
  };
  const said = ({ changes }: { readonly changes: readonly { readonly path: string; readonly before: Json; readonly after: Json }[] }): Json[][] => changes.map(({ path, before, after }) => [path, before, after]);

  it('makes the folder before keepalived reads of it', async () => {
    expect(words((await deploy(bare)).steps)).toEqual([`install -d -m 0700 /var/lib/lvs-play ${FLAGS}`, `put ${CONF}`]);
    expect((await deploy(await deployed())).changes).toEqual([]);
  });

  it('drains by a flag alone, and gives back by it', async () => {
    const out = await deploy(but(await deployed(), { drains: drained('0') }));
    expect(said(out)).toEqual([[`${FLAGS}/rs1`, '0', '1']]);
    expect(words(out.steps)).toEqual([`put ${FLAGS}/rs1`]);
    expect((await deploy(but(await deployed(), { drains: drained('0'), drain_flags: flags({ rs1: '1' }) }))).changes).toEqual([]);
    const back = await deploy(but(await deployed(), { drain_flags: flags({ rs1: '1' }) }));
    expect(said(back)).toEqual([[`${FLAGS}/rs1`, '1', '0']]);
    expect(words(back.steps)).toEqual([`put ${FLAGS}/rs1`]);
  });

  it('a lesser weight: nobody looks at the flag any more, and it stays up until the drain is over', async () => {
    const step = await deploy(but(await deployed(), { drains: drained('1'), drain_flags: flags({ rs1: '1' }), [`content ${CONF}`]: contentOf(Buffer.from('older\n')) }));
    expect(words(step.steps)).toEqual([`put ${CONF}`, 'systemctl reload keepalived.service']);
    const text = step.steps[0]?.kind === 'put' ? Buffer.from(step.steps[0].content).toString() : '';
    expect(text).toContain('track_file lvs-play-drain-rs2');
    expect(text).not.toContain('lvs-play-drain-rs1');
    // At the end it comes down before keepalived looks at it again, and before that it is up.
    const back = await deploy(but(await deployed(), { drain_flags: flags({ rs1: '1' }), [`content ${CONF}`]: contentOf(Buffer.from('older\n')) }));
    expect(words(back.steps)).toEqual([`put ${FLAGS}/rs1`, `put ${CONF}`, 'systemctl reload keepalived.service']);
    const again = await deploy(but(await deployed(), { drains: drained('0'), [`content ${CONF}`]: contentOf(Buffer.from('older\n')) }));
    expect(words(again.steps)).toEqual([`put ${FLAGS}/rs1`, `put ${CONF}`, 'systemctl reload keepalived.service']);
  });

  it('drains another way: a flag that is up stays so as long as its drain lasts', async () => {
    const other = contextOf('lvs1');
    expect((await deploy(but(await deployed(other), { drains: drained('0'), drain_flags: flags({ rs1: '1' }) }), other)).changes.map(({ path }) => path)).toEqual([CONF]);
  });

  it('goes by the version that is installed there', async () => {
    const at = (version: string): World => but(bare, { package: { installed: version, candidate: version, state: 'installed' }, drains: drained('0') });
    const auto = contextOf('lvs1');
    const text = async (version: string): Promise<string> => (await deploy(at(version), auto)).steps.flatMap((step) => (step.kind === 'put' ? [Buffer.from(step.content).toString()] : [])).join('');
    expect(await text('1:2.2.7-1')).toMatch(/weight 0\n/);
    expect(await text('1:2.2.7-1')).not.toContain('FILE_CHECK');
    expect(await text('1:2.1.5-0.2')).toContain('track_file lvs-play-drain-rs1');
    await expect(deploy(at('1:2.0.10-1'), auto)).rejects.toMatchObject({ code: 'keepalived-too-old' });
    await expect(deploy(but(at('1:2.0.10-1'), { drains: {} }), auto)).resolves.toMatchObject({ changes: [{ path: CONF }] });
  });

  it('lowers what was raised when it drains otherwise', async () => {
    const { steps } = await deploy(but(await deployed(contextOf('lvs1')), { drain_flags: flags({ rs1: '1', gone: '1', 'rs1~': '1' }) }), contextOf('lvs1'));
    expect(words(steps)).toEqual([`put ${FLAGS}/rs1`, `put ${FLAGS}/gone`]);
  });
});

describe('sysctl', () => {
  it('shares one file between tasks: the next sees the line of the one before', async () => {
    const module = await loadModule('sysctl');
    const context = contextOf('lvs1');
    const requests = ['net.a', 'net.b'].flatMap((name) => module.facts({ name, value: 1 }, context));
    const first = await play(module, { name: 'net.a', value: true }, storeOf(bare, requests), context);
    const second = await play(module, { name: 'net.b', value: '4  8\t16' }, first.next, context);
    const again = await play(module, { name: 'net.a', value: 3 }, second.next, context);
    const texts = [first, second, again].map(({ steps }) => steps.flatMap((step) => (step.kind === 'put' ? [Buffer.from(step.content).toString()] : [])).join());
    expect(texts).toEqual(['net.a = 1\n', 'net.a = 1\nnet.b = 4 8 16\n', 'net.a = 3\nnet.b = 4 8 16\n']);
    expect(words(second.steps)).toContain("printf '%s\\n' '4 8 16' >/proc/sys/net/b");
  });

  it('sets a parameter of every interface, and keeps it by the same name', async () => {
    const { steps } = await play(await loadModule('sysctl'), { name: 'net.ipv4.conf.*.send_redirects', value: 0 }, but(bare, { sysctl: '0,1' }), contextOf('lvs1'));
    expect(words(steps)).toContain(`for file in /proc/sys/net/ipv4/conf/*/send_redirects; do printf '%s\\n' 0 >"$file"`);
    expect(steps.flatMap((step) => (step.kind === 'put' ? [Buffer.from(step.content).toString()] : []))).toEqual(['net.ipv4.conf.*.send_redirects = 0\n']);
  });

  it('keeps other lines, and replaces every form of its own', async () => {
    const text = '# comment\n; other\nnet/a=7\nkernel.b=1\n-net.a = 8\n#net.a = 9\n';
    const world = but(bare, { content: contentOf(Buffer.from(text)) });
    const put = async (args: Record<string, Json>) => (await play(await loadModule('sysctl'), { name: 'net.a', ...args }, world, contextOf('lvs1'))).steps.flatMap((step) => (step.kind === 'put' ? [Buffer.from(step.content).toString()] : []));
    expect(await put({ value: 1 })).toEqual(['# comment\n; other\nnet.a = 1\nkernel.b=1\n#net.a = 9\n']);
    expect(await put({ state: 'absent' })).toEqual(['# comment\n; other\nkernel.b=1\n#net.a = 9\n']);
  });

  it('does not touch what it cannot read whole', async () => {
    const world = but(bare, { content: contentOf(Buffer.from([0, 1])) });
    await expect((async () => play(await loadModule('sysctl'), { name: 'net.a', value: 1 }, world, contextOf('lvs1')))()).rejects.toMatchObject({ code: 'unreadable-file', kind: 'host' });
  });
});

describe('modes', () => {
  it.each<[string | number, string | undefined]>([
    ['0644', '0644'],
    ['644', '0644'],
    ['4755', '4755'],
    // What YAML 1.1 makes of 0644, 0755, 01777 and 02755.
    [420, '0644'],
    [493, '0755'],
    [1023, '1777'],
    [1517, '2755'],
    // A zero was forgotten.
    [644, undefined],
    [755, undefined],
    [1777, undefined],
    [2755, undefined],
    ['u+x', undefined],
    ['0988', undefined],
  ])('%j is %s', async (mode, octal) => {
    const changes = async () => (await play(await loadModule('file'), { path: '/a', mode }, lived, contextOf('rs1'))).changes;
    if (octal === undefined) await expect(changes()).rejects.toMatchObject({ kind: 'input', hint: 'quote it: mode: "0644"' });
    else expect(await changes()).toEqual([{ path: '/a mode', before: '0600', after: octal }]);
  });
});
