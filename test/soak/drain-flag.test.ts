import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { whileLoaded } from '../lab/load.ts';
import { changedBy, eventually, lvsPlay, must, runDocument, scratch, TestLab } from '../lab/support.ts';
import { weightyServers } from '../lab/three-servers.ts';

const VIP = '192.168.0.38';
const DIRECTORS = ['lvs1', 'lvs2'];
const FLAG = '/var/lib/lvs-play/drain-flags/rs1';
const CONF = '/etc/keepalived/keepalived.conf';
const LOAD = { vip: VIP, port: 80, least: 1000, workers: 8, pause: 10, downloads: 0 };

describe('drains by a flag file', () => {
  let lab: TestLab;
  let files: Awaited<ReturnType<typeof scratch>>;
  let byFlag: string;

  beforeAll(async () => {
    byFlag = await weightyServers(['    lvs:\n', '    lvs:\n      drain: { method: flag }\n']);
    files = await scratch({ 'hosts.yml': byFlag });
    lab = await TestLab.installed('drain-flag', `${files.dir}/hosts.yml`);
    await runDocument('deploy', 'playbooks/demo.yml', '-i', lab.overlay);
  });
  afterAll(async () => {
    await lab.down();
    await files.remove();
  });

  /** rs1's weight in each director's kernel. */
  const weights = async (directors = DIRECTORS): Promise<Record<string, string>> => {
    const shown = await lab.shOn(directors, 'ipvsadm -Ln');
    return Object.fromEntries(Object.entries(shown).map(([director, table]) => [director, /192\.168\.0\.18:80 +Route +(\d+)/.exec(table)?.[1] ?? 'gone']));
  };
  const settled = (weight: string, directors = DIRECTORS): Promise<unknown> => eventually(() => weights(directors), (is) => Object.values(is).every((one) => one === weight));
  /** What a reload or a restart would change: the daemon, how often it was told to read its file again, the file. */
  const daemon = (): Promise<Record<string, string>> =>
    lab.shOn(DIRECTORS, `systemctl show -p MainPID --value keepalived; journalctl -u keepalived --no-pager | grep -c 'Reloading' || :; stat -c '%i %Y' ${CONF}; sha256sum ${CONF}`);
  /** Requests that rs1's own nginx had. */
  const asked = async (): Promise<number> => Number((await lab.sh('rs1', "grep -c 'GET / ' /var/log/nginx/access.log || :")).trim());
  const drain = (): Promise<unknown> => must(lvsPlay(['drain', 'rs1', '-i', lab.overlay, '--reason', 'test']));
  const restore = (...args: string[]): Promise<unknown> => must(lvsPlay(['restore', 'rs1', '-i', lab.overlay, '--hold', '1s', ...args]));

  it('loses no request, and makes no reload', async () => {
    const before = await daemon();
    const { value, load } = await whileLoaded(lab, LOAD, async () => {
      const drained = await lvsPlay(['drain', 'rs1', '-i', lab.overlay, '--reason', 'test']);
      const meanwhile = await daemon();
      await lab.sh('rs1', 'systemctl stop nginx; sleep 3; systemctl start nginx');
      await restore();
      return { drained, meanwhile };
    });
    expect(value.drained.code, value.drained.stderr).toBe(0);
    expect(value.drained.stderr).toContain('lvs1 and lvs2 drain by a flag file, without a reload');
    expect(value.meanwhile).toEqual(before);
    console.log(`DR, by a flag: ${JSON.stringify(load)}`);
    expect(load.failures).toEqual({});
    expect(load.sent).toBeGreaterThan(1000);
    expect(load.reused).toBeGreaterThan(0);
    await settled('8');
  });

  it('sends nobody there while keepalived is restarted, or a director fails over or boots', async () => {
    await drain();
    await settled('0');
    const before = await asked();
    const { load } = await whileLoaded(lab, LOAD, async () => {
      await lab.sh('lvs2', 'systemctl restart keepalived');
      await lab.sh('lvs1', 'systemctl restart keepalived');
      await lab.held('lvs1', VIP);
      await settled('0');
      await lab.sh('lvs1', 'systemctl reload keepalived; sleep 3');
      await lab.sh('lvs1', 'systemctl stop keepalived');
      await lab.held('lvs2', VIP);
      await lab.sh('lvs1', 'systemctl start keepalived');
      await lab.held('lvs1', VIP);
    });
    expect(load.sent).toBeGreaterThan(1000);
    expect(Object.keys(load.answers).sort()).toEqual(['rs2', 'rs3']);
    expect(await asked()).toBe(before);
    await lab.fault('reboot', 'lvs1');
    await lab.held('lvs1', VIP);
    expect(await lab.sh('lvs1', `cat ${FLAG}`)).toBe('1\n');
    await settled('0');
    expect(await asked()).toBe(before);
  });

  it('is no drift, and a deploy leaves it', async () => {
    const before = await daemon();
    expect(await changedBy('playbooks/site.yml', '-i', lab.overlay)).toEqual([]);
    const drift = await lvsPlay(['drift', 'playbooks/site.yml', '-i', lab.overlay]);
    expect(drift.code, drift.stdout).toBe(0);
    await must(lvsPlay(['verify', '-i', lab.overlay, '--settle', '60']));
    const status = JSON.parse((await must(lvsPlay(['status', '-i', lab.overlay, '--json']))).stdout) as { services: { servers: { host: string; state: string }[] }[] };
    expect(status.services.flatMap(({ servers }) => servers.map(({ host, state }) => `${host} ${state}`))).toEqual(['rs1 drained', 'rs2 serves', 'rs3 serves']);
    expect(await daemon()).toEqual(before);
  });

  it('is drift when somebody lowers the flag, and a deploy raises it again', async () => {
    await lab.sh('lvs2', `echo 0 >${FLAG}`);
    await settled('8', ['lvs2']);
    const drift = await lvsPlay(['drift', 'playbooks/site.yml', '-i', lab.overlay]);
    expect(drift.stdout).toContain(FLAG);
    await runDocument('deploy', 'playbooks/site.yml', '-i', lab.overlay);
    await settled('0');
  });

  it('comes back in steps of less weight, and can be rolled back', async () => {
    await restore('--ramp', '1,50%');
    await settled('8');
    expect(await lab.shOn(DIRECTORS, `cat ${FLAG}`)).toEqual({ lvs1: '0\n', lvs2: '0\n' });
    await drain();
    await settled('0');
    await must(lvsPlay(['rollback', 'last', '-i', lab.overlay]));
    await settled('8');
    expect(await changedBy('playbooks/site.yml', '-i', lab.overlay)).toEqual([]);
  });

  it('a real server that fails stays with weight 0, and counts as out', async () => {
    await lab.sh('rs1', 'systemctl stop nginx');
    try {
      await settled('0');
      const status = await lvsPlay(['status', '-i', lab.overlay]);
      expect(status.stdout).toContain('rs1 is out: its health check failed');
      // Nobody listens there: that alone is amiss.
      const { stdout } = await lvsPlay(['verify', '-i', lab.overlay]);
      expect(stdout).toContain('rs1 is out of web: it does not answer, and its health check removed it');
      expect(stdout.match(/^FAIL +\S+ +\S+/gm)?.map((line) => line.replaceAll(/ +/g, ' '))).toEqual(['FAIL listener rs1']);
    } finally {
      await lab.sh('rs1', 'systemctl start nginx');
    }
    await settled('8');
  });

  it('gives nobody to a drained server when the method changes', async () => {
    await drain();
    await settled('0');
    const before = await asked();
    const other = await lab.inventory(byFlag.replace('method: flag', 'method: reload'));
    const { load } = await whileLoaded(lab, LOAD, async () => {
      await runDocument('deploy', 'playbooks/site.yml', '-i', other);
      await settled('0');
      await runDocument('deploy', 'playbooks/site.yml', '-i', lab.overlay);
      await settled('0');
    });
    expect(load.failures).toEqual({});
    expect(await asked()).toBe(before);
    await restore();
    await settled('8');
  });
});
