import type { Step } from '../../modules/contract.ts';
import type { Done } from '../executed.ts';

/** Does steps on the host in hand. */
export type DoSteps = (steps: readonly Step[]) => Promise<Done>;

/** A reload takes keepalived a second or two, as it checks its file first. */
export const SETTLE_MS = 10_000;

/** For one that runs; it reports nothing. */
export const RELOAD_SCRIPT = 'systemctl reload keepalived.service';

export const RELOAD: Step = { kind: 'exec', title: 'reload keepalived', argv: ['systemctl', 'reload-or-restart', 'keepalived.service'], stale: [{ fact: 'unit', key: 'keepalived.service' }, { fact: 'address', key: '*' }, { fact: 'ipvs', key: '*' }, { fact: 'keepalived', key: '*' }] };
export const START: Step = { ...RELOAD, title: 'start keepalived', argv: ['systemctl', 'start', 'keepalived.service'] };
export const STOP: Step = { ...RELOAD, title: 'stop keepalived', argv: ['systemctl', 'stop', 'keepalived.service'] };
/** Also one that died, which systemd may have given up on. */
export const REVIVE: Step = { ...RELOAD, kind: 'script', title: 'bring keepalived back', script: `systemctl reset-failed keepalived.service 2>/dev/null; if systemctl is-active --quiet keepalived.service; then ${RELOAD_SCRIPT}; else systemctl restart keepalived.service; fi` };
