import { describe, expect, it } from 'vitest';
import type { HealthCheck } from '../../../../../src/lvs/model/topology.ts';
import { type BadExample, changed, EXAMPLE, expectProblem, inService, problemsOf, topologyOf, withSection } from '../../support.ts';

const check = (text: string): string => inService(`health_check: ${text}`);
const FILES = 'drain: { file: /run/drain }';
const BFD = 'peer: { neighbor: 192.168.0.1 }';

describe('health checks', () => {
  it.each<BadExample>([
    ['bad-value', check('{ type: §htp }'), /did you mean http\?/],
    ['missing-key', inService('§health_check: { port: 80 }'), /type/],
    ['unknown-key', check('{ type: tcp, §nb_get_retry: 3 }'), /known here: .*retry/],
    ['check-key', check('{ type: ping, §port: 80 }'), /tcp or http/],
    ['check-key', check('{ type: tcp, §regex: ok }'), /http or ssl/],
    ['check-key', check('{ type: file, §retry: 3, track_file: drain }').replace(/^/, `track_files: { ${FILES} }\n`), /remove/],
    ['check-key', check('{ type: http, §path: /a, urls: [{ path: /b }] }'), /entry of urls/],
    ['check-key', check('{ type: http, §regex_absent: true }'), /add regex/],
    ['check-key', check('{ type: http, urls: [{ path: / }, { path: /b, §regex_absent: true }] }'), /add regex/],
    ['check-none', check('[{ type: tcp }, §{ type: none }]'), /remove/],
    ['check-address', check('{ type: tcp, address: §rs1.example }'), /instead of the real server/],
    ['bad-value', check('{ type: tcp, port: §0 }'), /port/],
    ['bad-value', check('{ type: tcp, connect_timeout: §0 }'), /Seconds/],
    ['bad-value', check('{ type: http, status: §600 }'), /100-599/],
    ['bad-value', check('{ type: http, status: [200, §"2xx"] }'), /./],
    ['bad-value', check('{ type: http, digest: §abc }'), /genhash/],
    ['bad-value', check(`{ type: http, regex: §'a"b' }`), /PCRE2/],
    ['bad-value', check('{ type: http, regex: §"a\\nb" }'), /PCRE2/],
    ['bad-value', check('{ type: http, regex: §"cost: $5" }'), /PCRE2/],
    ['bad-value', check('{ type: http, virtual_host: §"a b" }'), /./],
    ['bad-value', check('{ type: http, http_version: §1.1 }'), /quotes/],
    ['bad-value', check('{ type: smtp, helo_name: §"a b" }'), /./],
    ['bad-value', check('{ type: dns, record_type: §AAA }'), /did you mean/],
    ['bad-value', check('{ type: dns, name: §"a b" }'), /./],
    ['bad-value', check('{ type: udp, payload: §"#" }'), /./],
    ['missing-key', inService('§health_check: { type: misc }'), /command/],
    ['unknown-script', check('{ type: misc, command: §chek }').replace(/^/, 'scripts: { check: "#!/bin/sh" }\n'), /did you mean check\?/],
    ['command-characters', check('{ type: misc, command: §[/usr/bin/true, "a\\n}"] }'), /lvs\.scripts/],
    ['command-words', check(`{ type: misc, command: §"/usr/bin/true 'a" }`), /quotes/],
    ['command-user', check('{ type: misc, command: §/usr/bin/true, user: "a b" }'), /user/],
    ['wrong-type', check('{ type: misc, command: /usr/bin/true, timeout: §0.5 }'), /whole seconds/],
    ['missing-key', inService('§health_check: { type: file }'), /track_file/],
    ['unknown-tracker', withSection('track_files', FILES, check('{ type: file, track_file: §drian }')), /did you mean drain\?/],
    ['missing-key', inService('§health_check: { type: bfd }'), /instance/],
    ['unknown-tracker', withSection('bfd', BFD, check('{ type: bfd, instance: §per }')), /did you mean peer\?/],
    ['check-port', changed(check('{ type: tcp }'), '192.168.0.38:80', '192.168.0.38:0').replace('    health_check', '    persistence: 60\n    §health_check'), /health_check\.port/],
    ['check-key', changed(EXAMPLE, 'rs1: { weight: 1 }', 'rs1: { health_check: { type: tcp, §path: / } }'), /http or ssl/],
  ])('%s %#', (...example) => {
    expectProblem(example);
  });

  const timing = { connectTimeout: 3, retry: 3, delayBeforeRetry: 1, delayLoop: undefined, warmup: undefined };
  const place = { port: undefined, address: undefined };
  const page = { path: '/', status: ['200'], digest: undefined, regex: undefined, regexAbsent: false };
  it.each<[string, HealthCheck[]]>([
    ['{ type: none }', []],
    ['{ type: tcp, connect_timeout: 0.5, retry: 0, delay_before_retry: 2, interval: 10, warmup: 0 }', [{ type: 'tcp', ...timing, ...place, connectTimeout: 0.5, retry: 0, delayBeforeRetry: 2, delayLoop: 10, warmup: 0 }]],
    ['{ type: http }', [{ type: 'http', ...timing, ...place, urls: [page], virtualHost: undefined, httpVersion: undefined }]],
    [
      '{ type: ssl, port: 443, virtual_host: www.example.org, http_version: "1.1", urls: [{ path: /a, status: [200, "300-399"] }, { regex: "a.*b", regex_absent: true }] }',
      [{ type: 'ssl', ...timing, port: 443, address: undefined, urls: [{ ...page, path: '/a', status: ['200', '300-399'] }, { ...page, regex: 'a.*b', regexAbsent: true }], virtualHost: 'www.example.org', httpVersion: '1.1' }],
    ],
    ['{ type: smtp, helo_name: lb.example.org, address: 192.168.0.222 }', [{ type: 'smtp', ...timing, port: undefined, address: '192.168.0.222', heloName: 'lb.example.org' }]],
    ['{ type: dns }', [{ type: 'dns', ...timing, ...place, recordType: 'SOA', name: '.' }]],
    ['{ type: ping }', [{ type: 'ping', ...timing, host: undefined }]],
    ['{ type: udp, payload: hello, require_reply: true }', [{ type: 'udp', ...timing, ...place, payload: 'hello', requireReply: true }]],
    ['{ type: misc, command: check web, user: nobody, timeout: 5, dynamic_weight: true }', [{ type: 'misc', ...timing, command: { argv: ['/usr/local/libexec/lvs-play/check', 'web'], user: 'nobody' }, timeout: 5, dynamicWeight: true }]],
    ['{ type: file, track_file: drain, weight: -1 }', [{ type: 'file', ...timing, trackFile: 'drain', weight: -1 }]],
    ['{ type: bfd, instance: peer }', [{ type: 'bfd', ...timing, instance: 'peer' }]],
    ['[{ type: tcp }, { type: ping }]', [{ type: 'tcp', ...timing, ...place }, { type: 'ping', ...timing, host: undefined }]],
  ])('reads %s', (text, expected) => {
    const whole = withSection('scripts', 'check: "#!/bin/sh"', withSection('bfd', BFD, withSection('track_files', FILES, check(text))));
    expect(topologyOf(whole).services.get('web')?.healthChecks).toEqual(expected);
  });

  it('has none for UDP unless asked for', () => {
    expect(topologyOf(inService('protocol: udp')).services.get('web')?.healthChecks).toEqual([]);
  });
});

describe('scripts and trackers', () => {
  it.each<BadExample>([
    ['script-interpreter', withSection('scripts', 'check: §"echo hello"'), /#!\/bin\/sh/],
    ['script-name', withSection('scripts', '§"../check": "#!/bin/sh"'), /becomes a file/],
    ['bad-value', `script_user: §"a b"\n${EXAMPLE}`, /user/],
    ['unknown-script', withSection('track_scripts', 'web: { command: §tru }'), /absolute path/],
    ['missing-key', withSection('track_scripts', '§web: { interval: 2 }'), /command/],
    ['bad-value', withSection('track_scripts', 'web: { command: /usr/bin/true, weight: §300 }'), /-253/],
    ['bad-value', withSection('track_scripts', 'web: { command: /usr/bin/true, interval: §0 }'), /Seconds/],
    ['bad-name', withSection('track_scripts', '§"web {": { command: /usr/bin/true }'), /letters/],
    ['bad-value', withSection('track_files', 'drain: { file: §drain }'), /absolute path/],
    ['bad-name', withSection('track_files', '§"a b": { file: /run/drain }'), /letters/],
    ['bad-value', withSection('track_processes', 'web: { process: §"nginx # x" }'), /nginx/],
    ['bad-value', withSection('track_processes', 'web: { process: nginx, quorum: §0 }'), /How many/],
    ['bfd-address', withSection('bfd', 'peer: { neighbor: §router }'), /other side/],
    ['bfd-address', withSection('bfd', 'peer: { neighbor: 192.168.0.1, source: §"2001:db8::1" }'), /this side/],
    ['bfd-twice', withSection('bfd', 'peer: { neighbor: 192.168.0.1 }\nother: { neighbor: §192.168.0.1 }'), /keep one/],
    ['bad-value', withSection('bfd', 'peer: { neighbor: 192.168.0.1, min_rx: §2000 }'), /1-1000/],
    ['bad-name', withSection('bfd', `§${'x'.repeat(32)}: { neighbor: 192.168.0.1 }`), /shorten/],
    ['bfd-self', withSection('bfd', 'peer: { neighbor: §192.168.0.58 }', changed(EXAMPLE, '    interface: eth0\n', '    interface: eth0\n    track: { bfd: [peer] }\n')), /router/],
    ['bfd-self', withSection('bfd', 'peer: { neighbor: §192.168.0.58 }', check('{ type: bfd, instance: peer }')), /router/],
    ['bad-value', `ipvs: { timeouts: { tcp: 900, tcp_fin: §0, udp: 300 } }\n${EXAMPLE}`, /./],
    ['missing-key', `ipvs: { §timeouts: { tcp: 900, udp: 300 } }\n${EXAMPLE}`, /tcp_fin/],
    ['bad-value', `ipvs: { sysctls: { drop_entry: §"1; reboot" } }\n${EXAMPLE}`, /./],
  ])('%s %#', (...example) => {
    expectProblem(example);
  });

  it('reads them', () => {
    const topology = topologyOf(`script_user: checker
ipvs: { timeouts: { tcp: 900, tcp_fin: 120, udp: 300 }, sysctls: { drop_entry: 1 } }
scripts: { check: "#!/bin/sh\\nexit 0" }
track_scripts: { web: { command: [check, "a b"], user: nobody, interval: 2, timeout: 3, weight: -5, fall: 2, rise: 4 } }
track_files: { drain: { file: /run/drain, weight: 1 } }
track_processes: { web: { process: nginx } }
bfd: { peer: { neighbor: "2001:db8:0::1", min_rx: 50, passive: true } }
lint: { waive: [] }
${EXAMPLE}`);
    expect(topology.scriptUser).toBe('checker');
    expect(topology.ipvs).toEqual({ timeouts: { tcp: 900, tcpFin: 120, udp: 300 }, sysctls: { drop_entry: '1' } });
    expect(topology.scripts.get('check')).toEqual({ name: 'check', content: '#!/bin/sh\nexit 0\n' });
    expect(topology.trackers.scripts.get('web')).toEqual({ name: 'web', command: { argv: ['/usr/local/libexec/lvs-play/check', 'a b'], user: 'nobody' }, interval: 2, timeout: 3, weight: -5, fall: 2, rise: 4 });
    expect(topology.trackers.files.get('drain')).toEqual({ name: 'drain', file: '/run/drain', weight: 1 });
    expect(topology.trackers.processes.get('web')).toEqual({ name: 'web', process: 'nginx', weight: undefined, quorum: 1 });
    expect(topology.bfd.get('peer')).toEqual({ name: 'peer', neighbor: '2001:db8::1', source: undefined, minRx: 50, minTx: undefined, idleTx: undefined, multiplier: undefined, passive: true });
  });

  it('names the nearest thing for a command that keepalived could not run', () => {
    expect(problemsOf(withSection('scripts', 'check_db: "#!/bin/sh"', check('{ type: misc, command: check_bd }')))[0]?.hint).toMatch(/did you mean check_db\?/);
  });
});
