import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from '../../../../src/core/json.ts';
import { buildTopology } from '../../../../src/lvs/model/build.ts';
import { keepalivedVersion } from '../../../../src/lvs/keepalived/version.ts';
import { renderKeepalived } from '../../../../src/lvs/keepalived/render.ts';
import { changed, EXAMPLE, HOSTS, topologyOf } from '../support.ts';

const V2_2_7 = { major: 2, minor: 2, patch: 7 };

describe('renderKeepalived', () => {
  it('writes the MASTER of the example', () => {
    const text = changed(EXAMPLE, 'interface: eth0', 'interface: eth0\n    auth_pass: "1111"');
    expect(renderKeepalived(topologyOf(text), 'lvs1', V2_2_7)).toBe(`! Configuration File for keepalived
! managed by lvs-play; changes made here are lost at the next deploy

global_defs {
    router_id lvs1
    reload_check_config
}

vrrp_instance edge {
    state MASTER
    interface eth0
    virtual_router_id 51
    priority 100
    advert_int 1
    authentication {
        auth_type PASS
        auth_pass 1111
    }
    virtual_ipaddress {
        192.168.0.38/32 dev eth0
    }
}

virtual_server 192.168.0.38 80 {
    delay_loop 6
    lb_algo rr
    lb_kind DR
    protocol TCP
    real_server 192.168.0.18 80 {
        weight 1
        TCP_CHECK {
            connect_timeout 3
            retry 3
            delay_before_retry 1
            connect_port 80
        }
    }
    real_server 192.168.0.28 80 {
        weight 1
        TCP_CHECK {
            connect_timeout 3
            retry 3
            delay_before_retry 1
            connect_port 80
        }
    }
}
`);
  });

  it('makes the other one BACKUP, and both without preemption', () => {
    expect(renderKeepalived(topologyOf(EXAMPLE), 'lvs2', V2_2_7)).toMatch(/state BACKUP\n {4}interface[^]*priority 90/);
    const calm = topologyOf(changed(EXAMPLE, 'interface: eth0', 'interface: eth0\n    preempt: false'));
    for (const director of ['lvs1', 'lvs2']) expect(renderKeepalived(calm, director, V2_2_7)).toMatch(/state BACKUP\n {4}nopreempt\n/);
  });

  it('asks for the check of a reload only where the version knows it', () => {
    expect(renderKeepalived(topologyOf(EXAMPLE), 'lvs1', { major: 2, minor: 1, patch: 5 })).not.toContain('reload_check_config');
  });

  it('writes nothing of a pair for a host outside it', () => {
    const text = renderKeepalived(topologyOf(EXAMPLE), 'rs1', V2_2_7);
    expect(text).not.toMatch(/vrrp_instance|virtual_server/);
  });

  it.each([
    [changed(EXAMPLE, 'scheduler: rr', 'scheduler: twos'), '2.2.4', '2.2.5', /twos/],
    [changed(EXAMPLE, 'weight: 1', 'weight: 70000'), '2.0.20', '2.1.0', /65535/],
    [changed(EXAMPLE, 'weight: 1', 'weight: 0'), '2.0.15', '2.0.16', /weight 0/],
  ])('refuses what a keepalived is too old for', (text, old, fine, reason) => {
    const render = (version: string): string => renderKeepalived(topologyOf(text), 'lvs1', keepalivedVersion(version) ?? V2_2_7);
    expect(() => render(old)).toThrow(reason);
    expect(() => render(old)).toThrow(expect.objectContaining({ code: 'keepalived-too-old', host: 'lvs1' }) as Error);
    expect(render(fine)).toContain('virtual_server');
  });
});

describe('against the real keepalived', () => {
  it('accepts what is written for the examples and for generated topologies', () => {
    const examples = [
      EXAMPLE,
      changed(EXAMPLE, 'interface: eth0', 'interface: eth0\n    auth_pass: "a.b:+=/@"\n    preempt: false'),
      changed(EXAMPLE, 'mode: dr', 'mode: tun').concat('    health_check: { type: http, path: "/a~b/?c=%20&d=(1)*,;@", status: 204, port: 8080, connect_timeout: 0.5, delay_before_retry: 1.5 }\n'),
      changed(EXAMPLE, '80\n', '0\n    persistence: 60\n    health_check: { type: tcp, port: 22 }\n'),
      changed(EXAMPLE, 'vips: [192.168.0.38]', 'vips: [192.168.0.38/24, "2001:db8::38", 192.168.0.39]'),
    ].map((text) => renderKeepalived(topologyOf(changed(text, 'interface: eth0', 'interface: vip0')), 'lvs1', V2_2_7));
    const generated = fc.sample(lvsVariable(), { numRuns: 40, seed: 1 }).map((value, index) => {
      const topology = buildTopology({ value, locate: () => undefined }, HOSTS);
      return renderKeepalived(topology, index % 2 === 0 ? 'lvs1' : 'lvs2', V2_2_7);
    });
    const texts = [...examples, ...generated];
    const { codes, stderr } = keepalivedTest(texts);
    expect(codes, stderr).toEqual(texts.map(() => 0));
  }, 60_000);

  it('would notice a mistake', () => {
    const good = renderKeepalived(topologyOf(changed(EXAMPLE, 'interface: eth0', 'interface: vip0')), 'lvs1', V2_2_7);
    const { codes } = keepalivedTest([good.replace('retry 3', 'nb_get_retry 3'), good.replace('dev vip0', 'dev nowhere'), good.replace('weight 1', 'weight -1'), good]);
    expect(codes.map((code) => code === 0)).toEqual([false, false, false, true]);
  }, 60_000);
});

/** Exit codes of `keepalived -t`, in a network of its own that has an interface vip0: it must exist and VRRP refuses lo. */
function keepalivedTest(texts: readonly string[]): { codes: number[]; stderr: string } {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'lvs-play-keepalived-'));
  try {
    mkdirSync(path.join(dir, 'conf'));
    const files = texts.map((text, index) => {
      const file = path.join(dir, 'conf', `${String(index)}.conf`);
      writeFileSync(file, text);
      return file;
    });
    const script = 'ip link add vip0 type dummy 2>/dev/null || ip tuntap add dev vip0 mode tap || exit 1; ip link set vip0 up; for f; do keepalived -t -f "$f"; echo "$?"; done';
    const run = spawnSync('unshare', ['-rn', 'sh', '-c', script, 'sh', ...files], { encoding: 'utf8' });
    if (run.status !== 0) throw new Error(`keepalived cannot be tried here (unshare, ip and keepalived are needed): ${run.stderr}`);
    return { codes: run.stdout.trim().split('\n').map(Number), stderr: run.stderr };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Valid values of the variable `lvs`, over HOSTS. */
function lvsVariable(): fc.Arbitrary<Json> {
  const v4 = fc.record({ vip: fc.integer({ min: 100, max: 199 }).map((last) => `192.168.0.${String(last)}`), ipv6: fc.constant(false) });
  const v6 = fc.record({ vip: fc.integer({ min: 0x100, max: 0x1ff }).map((last) => `2001:db8::${last.toString(16)}`), ipv6: fc.constant(true) });
  const weight = fc.oneof(fc.integer({ min: 1, max: 100 }), fc.constantFrom(65536, 2_147_483_647));
  const check = fc.oneof(
    fc.constant({ type: 'none' }),
    fc.record({ type: fc.constant('tcp'), connect_timeout: fc.integer({ min: 1, max: 9 }), retry: fc.integer({ min: 0, max: 9 }), port: fc.integer({ min: 1, max: 65535 }) }),
    fc.record({ type: fc.constant('http'), path: fc.constantFrom('/', '/healthz', '/a?b=c'), status: fc.integer({ min: 200, max: 404 }), port: fc.constantFrom(80, 8080) }),
  );
  return fc
    .record({
      target: fc.oneof(v4, v6),
      priorities: fc.uniqueArray(fc.integer({ min: 1, max: 254 }), { minLength: 2, maxLength: 2 }),
      id: fc.integer({ min: 1, max: 255 }),
      advert: fc.integer({ min: 1, max: 40 }),
      preempt: fc.boolean(),
      authPass: fc.option(fc.stringMatching(/^[A-Za-z0-9._:+=/,@%^-]{1,8}$/), { nil: undefined }),
      port: fc.integer({ min: 0, max: 65535 }),
      protocol: fc.constantFrom('tcp', 'udp', 'sctp'),
      mode: fc.constantFrom('dr', 'nat', 'tun'),
      scheduler: fc.constantFrom('rr', 'wrr', 'lc', 'wlc', 'lblc', 'lblcr', 'dh', 'sh', 'sed', 'nq', 'fo', 'ovf', 'mh', 'twos'),
      persistence: fc.option(fc.integer({ min: 1, max: 3600 }), { nil: undefined }),
      interval: fc.integer({ min: 1, max: 60 }),
      weights: fc.tuple(weight, fc.oneof(weight, fc.constant(0))),
      check,
    })
    .map((made): Json => {
      const { vip, ipv6 } = made.target;
      const hashed = made.scheduler === 'sh' || made.scheduler === 'mh';
      const [first, second] = made.weights;
      const address = (last: number): string => (ipv6 ? `2001:db8::${String(last)}` : `192.168.0.${String(last)}`);
      return {
        ha_pairs: {
          edge: {
            members: { lvs1: { priority: made.priorities[0] ?? 1 }, lvs2: { priority: made.priorities[1] ?? 2 } },
            interface: 'vip0',
            virtual_router_id: made.id,
            vips: [vip],
            advert_int: made.advert,
            preempt: made.preempt,
            ...(made.authPass === undefined || ipv6 ? {} : { auth_pass: made.authPass }),
          },
        },
        virtual_services: {
          web: {
            on: 'edge',
            address: `${ipv6 ? `[${vip}]` : vip}:${String(made.port)}`,
            protocol: made.protocol,
            mode: made.mode,
            scheduler: made.scheduler,
            check_interval: made.interval,
            ...(made.persistence === undefined && made.port !== 0 ? {} : { persistence: made.persistence ?? 60 }),
            real_servers: { rs1: { address: address(18), weight: first }, rs2: { address: address(28), weight: hashed ? Math.max(1, second) : second } },
            health_check: made.check,
          },
        },
      };
    });
}
