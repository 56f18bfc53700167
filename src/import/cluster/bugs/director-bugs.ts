import type { HostSetup } from '../../host/setup.ts';
import type { Note } from '../../types.ts';

/** Mistakes of a director's own settings. @param nat whether a service of it is NAT */
export function directorBugs(setup: HostSetup, nat: boolean): readonly Note[] {
  const about = setup.name === undefined ? {} : { host: setup.name };
  const redirects = setup.sysctls.filter(({ key, value }) => key.endsWith('/send_redirects') && value === '0');
  const [first] = redirects;
  const beyondAll = redirects.some(({ key }) => !key.includes('/conf/all/'));
  return [
    ...(first !== undefined && !beyondAll
      ? [{ ...about, kind: 'bug', id: 'send-redirects-only-all', position: first.position, text: 'send_redirects=0 on all alone', reason: 'redirects are sent when either all or the interface says so, and interfaces that are up already keep their 1; lvs-play sets it on every interface' } as const]
      : []),
    // A keepalived.conf alone does not tell kernel parameters.
    ...(nat && setup.sysctls.length + setup.masquerades.length > 0 && !setup.sysctls.some(({ key, value }) => key === 'net/ipv4/ip_forward' && value === '1')
      ? [{ ...about, kind: 'bug', id: 'ip-forward-missing', text: 'NAT without net.ipv4.ip_forward=1', reason: 'the answers of the real servers are not forwarded; lvs-play sets it' } as const]
      : []),
  ];
}
