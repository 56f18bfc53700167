import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parsePresent, type Present, presentScript, putScript } from '../../../src/rehearse/live/present.ts';

const NONCE = 'abc123';
const NOTHING: Present = { packages: [], units: [], sysctls: new Map(), files: '', names: [] };

const answer = (sections: Record<string, string>): string => `${Object.entries(sections).map(([name, text]) => `\n${NONCE} ${name}\n${text}`).join('')}\n${NONCE} end\n`;

describe('the present state of a host', () => {
  it('is read in one request, and only what is known is taken', () => {
    const output = answer({
      packages: 'keepalived installed\nipvsadm config-files\nsomething installed\n',
      units: 'keepalived.service enabled / active\nlvs-director.service  / inactive\nother.service enabled / active\n',
      sysctls: '/proc/sys/net/ipv4/vs/conn_reuse_mode:0\n/proc/sys/net/ipv4/conf/eth0.7/rp_filter:2\n/etc/passwd:0\n/proc/sys/../../tmp/x:1\n',
      names: 'etc/keepalived\n',
      files: 'QUJD\n$(rm -rf /)\n',
    });
    expect(parsePresent(output, NONCE)).toEqual({
      packages: ['keepalived'],
      units: [{ name: 'keepalived.service', enabled: true, active: true }, { name: 'lvs-director.service', enabled: false, active: false }],
      sysctls: new Map([['net/ipv4/vs/conn_reuse_mode', '0'], ['net/ipv4/conf/eth0.7/rp_filter', '2']]),
      files: 'QUJDrm-rf/'.replace('-', ''),
      names: ['etc/keepalived'],
    });
  });

  it('an answer that was cut off is none', () => {
    expect(() => parsePresent(answer({ packages: '' }).slice(0, -5), NONCE)).toThrow('incomplete');
  });

  it('is asked of any host, also of one that has nothing of a cluster', () => {
    const output = execFileSync('sh', ['-c', presentScript(NONCE)], { encoding: 'utf8' });
    expect(parsePresent(output, NONCE).sysctls.get('net/ipv4/ip_forward')).toMatch(/^[01]$/);
  });

  it('unpacks what it is given on stdin, and says what could not be done', () => {
    const dir = mkdtempSync(path.join(os.tmpdir(), 'lvs-play-present-'));
    try {
      const script = putScript({ ...NOTHING, packages: ["no'such"], files: 'QUJD' });
      execFileSync('sh', ['-n', '-c', script]);
      // Not as it is: it would work on this machine.
      const harmless = script.replace('-C /', `-C ${dir}`).replace('apt-get', 'false').replaceAll(/^systemctl.*$/gm, '');
      expect(execFileSync('sh', ['-c', harmless], { input: 'QUJD', encoding: 'utf8', stdio: ['pipe', 'pipe', 'ignore'] })).toBe("package no'such\nits files\n");
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });

  it('starts what runs there, and stops what does not', () => {
    const units = [{ name: 'keepalived.service', enabled: true, active: true }, { name: 'nginx.service', enabled: false, active: false }];
    const script = putScript({ ...NOTHING, units });
    expect(script).toContain('systemctl -q enable keepalived.service 2>/dev/null && systemctl restart keepalived.service 2>/dev/null || echo');
    expect(script).toContain('systemctl -q disable --now nginx.service');
  });
});
