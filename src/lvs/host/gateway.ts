import type { Topology } from '../model/topology.ts';
import { renderBootScript, renderBootUnit } from './boot-script.ts';

/** The script that leads a NAT real server's default route to its director, and the unit that runs it at boot. */
export const GATEWAY_SCRIPT = '/usr/local/sbin/lvs-gateway';
export const GATEWAY_UNIT = 'lvs-gateway.service';

/** After whatever configures the network: that has a default route of its own, which is kept for the day when ours goes. */
export const GATEWAY_UNIT_TEXT = renderBootUnit('Default route of an LVS real server, through its director', GATEWAY_SCRIPT, ['After=network-online.target', 'Wants=network-online.target']);

/** The default route that was there before, as `ip route show` tells it; until the next boot, which tells it anew. */
const BEFORE = '/run/lvs-gateway.before';

/** Next hop of a NAT real server's default route; undefined: not ours to set. */
export function gatewayOf(topology: Topology, host: string): string | undefined {
  return topology.realServers.get(host)?.gateway;
}

/** The script `start|stop|status|reload`; undefined for a host whose default route is not ours. It replaces the route without a metric only. */
export function renderGatewayScript(topology: Topology, host: string): string | undefined {
  const gateway = gatewayOf(topology, host);
  if (gateway === undefined) return undefined;
  const ip = gateway.includes(':') ? 'ip -6 route' : 'ip -4 route';
  return renderBootScript({
    summary: 'The default route of an LVS real server (NAT): replies must pass the director, which translates them back.',
    modules: [],
    sysctls: {},
    addresses: [],
    parts: [`default ${gateway}`],
    prepare: [`{ [ -e ${BEFORE} ] || ${ip} show default >${BEFORE}; }`, `${ip} replace default via ${gateway}`],
    dismantle: [`${ip} delete default via ${gateway}`, `while read -r route; do ${ip} replace $route; done <${BEFORE}`, `rm -f ${BEFORE}`],
  });
}
