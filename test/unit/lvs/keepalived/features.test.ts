import { describe, expect, it } from 'vitest';
import { InputErrors, LvsPlayError } from '../../../../src/core/errors.ts';
import { type FeatureName, FEATURES } from '../../../../src/lvs/keepalived/features.ts';
import { renderKeepalived } from '../../../../src/lvs/keepalived/render.ts';
import { keepalivedVersion } from '../../../../src/lvs/keepalived/version.ts';
import { changed, EXAMPLE, placeOf, topologyOf } from '../support.ts';

const VERSIONS = ['1.3.4', '1.3.5', '1.3.6', '1.3.9', '1.4.0', '1.4.5', '2.0.0', '2.0.5', '2.0.6', '2.0.7', '2.0.10', '2.0.11', '2.0.13', '2.0.15', '2.0.16', '2.0.17', '2.0.18', '2.0.19', '2.0.20', '2.1.0', '2.1.5', '2.2.0', '2.2.1', '2.2.2', '2.2.4', '2.2.5', '2.2.7', '2.2.8', '2.3.0', '2.3.4'];

function render(text: string, version: string): string {
  return renderKeepalived(topologyOf(text), 'lvs1', keepalivedVersion(version) ?? { major: 0, minor: 0, patch: 0 });
}

const service = (lines: string, base = EXAMPLE): string => base + lines.split('\n').map((line) => `    ${line}\n`).join('');
const pair = (lines: string): string => changed(EXAMPLE, '    virtual_router_id: 51\n', `    virtual_router_id: 51\n${lines.split('\n').map((line) => `    ${line}\n`).join('')}`);
const check = (text: string): string => service(`health_check: ${text}`);
const inner = (text: string): string => changed(text, 'ha_pairs:', 'ha_pairs:\n  inner: { members: { lvs1: { priority: 9 }, lvs2: { priority: 8 } }, interface: eth1, virtual_router_id: 52, vips: [192.168.1.8/24] }');

/** For each feature a cluster that needs it and nothing newer, and what is written for it. */
const NEEDING: Readonly<Record<FeatureName, readonly [string, RegExp]>> = {
  any: [EXAMPLE, /virtual_server/],
  checkVirtualHost: [check('{ type: http, virtual_host: a.b }'), /virtualhost "a\.b"/],
  mixedFamilies: [changed(changed(EXAMPLE, 'mode: dr', 'mode: tun'), 'rs1: { weight: 1 }', 'rs6: { weight: 1 }'), /real_server 2001:db8::18/],
  sorryServerMode: [service('sorry_server: { address: 192.168.0.99, mode: nat }'), /sorry_server_lvs_method NAT/],
  syncGroupTrack: [inner(`sync_groups: { both: { pairs: [edge, inner], track: { interfaces: [eth2] } } }\n${EXAMPLE}`), /track_interface/],
  syncGroupStop: [inner(`sync_groups: { both: { pairs: [edge, inner], notify: { stop: /bin/true } } }\n${EXAMPLE}`), /notify_stop/],
  trackFile: [`track_files: { drain: { file: /run/x } }\n${pair('track: { files: [drain] }')}`, /track_file drain/],
  bfd: [`bfd: { peer: { neighbor: 10.0.0.2 } }\n${pair('track: { bfd: [peer] }')}`, /bfd_instance peer/],
  checkInterval: [check('{ type: tcp, interval: 3 }'), /delay_loop 3/],
  miscRetry: [check('{ type: misc, command: /bin/true, retry: 2 }'), /MISC_CHECK/],
  quotedArguments: [check('{ type: misc, command: [/bin/true, "a b"], retry: 0 }'), /'a b'/],
  mh: [changed(EXAMPLE, 'scheduler: rr', 'scheduler: mh'), /lb_algo mh/],
  regex: [check('{ type: http, regex: ok }'), /regex "ok"/],
  timeouts: [`ipvs: { timeouts: { tcp: 900, tcp_fin: 120, udp: 300 } }\n${EXAMPLE}`, /lvs_timeouts/],
  trackProcess: [`track_processes: { web: { process: nginx } }\n${pair('track: { processes: [web] }')}`, /vrrp_track_process web/],
  fractions: [service('check_interval: 1.5'), /delay_loop 1\.5/],
  statusRanges: [check('{ type: http, status: "200-299" }'), /status_code 200-299/],
  httpVersion: [check('{ type: http, http_version: "1.1" }'), /http_protocol 1\.1/],
  tunnelTypes: [service('tunnel: { type: gue, port: 6080 }', changed(EXAMPLE, 'mode: dr', 'mode: tun')), /TUN type gue port 6080/],
  mhFlags: [service('scheduler_flags: [mh-port, mh-fallback]', changed(EXAMPLE, 'scheduler: rr', 'scheduler: mh')), /mh-port/],
  pingUdp: [check('{ type: ping }'), /PING_CHECK/],
  fileCheck: [`track_files: { drain: { file: /run/x } }\n${check('{ type: file, track_file: drain }')}`, /FILE_CHECK/],
  drainFlag: [`drain: { method: flag }\n${EXAMPLE}`, /FILE_CHECK/],
  bigWeights: [changed(EXAMPLE, 'weight: 1', 'weight: 65536'), /weight 65536/],
  weightZero: [changed(EXAMPLE, 'weight: 1', 'weight: 0'), /weight 0/],
  udpPayload: [check('{ type: udp, payload: hi }'), /payload 6869/],
  twos: [changed(EXAMPLE, 'scheduler: rr', 'scheduler: twos'), /lb_algo twos/],
};

/** In the order of versions that are worse: 1.10.0 after 1.9.0. */
const rank = (version: string): number => version.split('.').reduce((sum, part) => sum * 100 + Number(part), 0);

describe.each(Object.entries(NEEDING) as [FeatureName, readonly [string, RegExp]][])('%s', (name, [text, written]) => {
  const feature: { readonly since: string; readonly broken?: readonly (readonly [string, string])[] } = FEATURES[name];

  it.each(VERSIONS)('keepalived %s', (version) => {
    const broken = feature.broken?.find(([from, mended]) => rank(version) >= rank(from) && rank(version) < rank(mended));
    const needed = rank(version) < rank(feature.since) ? feature.since : broken?.[1];
    if (needed === undefined) {
      expect(render(text, version)).toMatch(written);
      return;
    }
    const errors = errorsOf(() => render(text, version));
    expect(errors.map(({ code, host }) => ({ code, host }))).toEqual(errors.map(() => ({ code: 'keepalived-too-old', host: 'lvs1' })));
    const own = errors.find(({ message }) => message.includes(FEATURES[name].what));
    expect(own?.message).toContain(`keepalived ${version} of lvs1`);
    expect(own?.message).toContain(`needs ${needed}`);
    expect(own?.hint).toMatch(/^upgrade keepalived there, or /);
  });
});

it('names the place', () => {
  const text = changed(EXAMPLE, 'scheduler: rr', 'scheduler: twos');
  expect(errorsOf(() => render(text, '2.2.4'))[0]?.position).toEqual({ file: 'lvs.yml', ...placeOf(text, 'web:') });
  const files = `track_files: { drain: { file: /run/x } }\n${pair('track: { files: [drain] }')}`;
  expect(errorsOf(() => render(files, '1.4.5'))[0]?.position).toEqual({ file: 'lvs.yml', ...placeOf(files, 'edge:') });
});

it('names all that is missing at once', () => {
  const text = `ipvs: { timeouts: { tcp: 900, tcp_fin: 120, udp: 300 } }\n${service('health_check: { type: udp, payload: a }', changed(EXAMPLE, 'scheduler: rr', 'scheduler: twos'))}`;
  expect(errorsOf(() => render(text, '2.0.0')).map(({ message }) => /: (.*) needs/.exec(message)?.[1])).toEqual(['ipvs.timeouts', FEATURES.twos.what, FEATURES.pingUdp.what, FEATURES.udpPayload.what]);
});

describe('the keywords that changed', () => {
  it.each([
    ['2.0.14', check('{ type: http }'), /nb_get_retry 3/, /\bretry/],
    ['2.0.15', check('{ type: http }'), /\bretry 3/, /nb_get_retry/],
    ['1.3.5', check('{ type: tcp }'), /\bretry 3/, /nb_get_retry/],
    ['2.0.20', `track_files: { drain: { file: /run/x } }\n${pair('track: { files: [drain] }')}`, /vrrp_track_file drain/, /\ntrack_file/],
    ['2.1.0', `track_files: { drain: { file: /run/x } }\n${pair('track: { files: [drain] }')}`, /\ntrack_file drain/, /vrrp_track_file/],
    ['2.1.5', EXAMPLE, /router_id/, /reload_check_config/],
    ['2.2.0', EXAMPLE, /reload_check_config/, /^$/],
    ['1.4.5', check('{ type: misc, command: /bin/true, retry: 0 }'), /misc_path/, /retry/],
  ])('%s', (version, text, has, lacks) => {
    const written = render(text, version);
    expect(written).toMatch(has);
    expect(written).not.toMatch(lacks);
  });
});

function errorsOf(act: () => unknown): readonly LvsPlayError[] {
  try {
    act();
    return [];
  } catch (error) {
    if (error instanceof InputErrors) return error.errors;
    if (error instanceof LvsPlayError) return [error];
    throw error;
  }
}
