import { shellCommand } from '../../core/text/quote.ts';
import { defineFact } from '../contract.ts';

/** What systemd says of a unit. */
export type UnitState = {
  readonly exists: boolean;
  /** It runs or is about to. Not one that ended and that systemd starts again and again. */
  readonly active: boolean;
  /** `UnitFileState`: enabled, disabled, static, masked, generated, ...; empty when there is no unit file. */
  readonly enabled: string;
  /** Its file is newer than what systemd has loaded. */
  readonly needsReload: boolean;
};

/** A unit whose file was just written. */
export const NEW_UNIT: UnitState = { exists: true, active: false, enabled: 'disabled', needsReload: false };

/** Key: a unit's name with its suffix (`unitName` adds it). One `systemctl show` for all. */
export const unitFact = defineFact<UnitState>({
  name: 'unit',
  summary: 'systemd units: whether they exist, run, and start at boot',
  script: (keys) => `${shellCommand(['systemctl', 'show', '--no-pager', '-p', 'Id,LoadState,ActiveState,SubState,UnitFileState,NeedDaemonReload', '--', ...keys])}\n:`,
  parse: (output, keys) => {
    const blocks = output
      .toString('utf8')
      .trim()
      .split(/\n\n+/)
      .map((block) => new Map(block.split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)])));
    if (blocks.length !== keys.length || blocks[0]?.has('LoadState') !== true) throw new Error('systemctl show gave no answer: is this host run by systemd?');
    // One block a unit, in the order asked; an alias answers with another Id.
    return new Map(
      keys.map((key, index) => {
        const block = blocks[index];
        const load = block?.get('LoadState') ?? '';
        const active = block?.get('ActiveState') ?? '';
        return [
          key,
          {
            exists: load !== 'not-found' && load !== '',
            active: active === 'active' || active === 'reloading' || (active === 'activating' && !(block?.get('SubState') ?? '').startsWith('auto-restart')),
            enabled: block?.get('UnitFileState') ?? '',
            needsReload: block?.get('NeedDaemonReload') === 'yes',
          },
        ];
      }),
    );
  },
});

/** `nginx` -> `nginx.service`; a name with a suffix stays. */
export function unitName(name: string): string {
  return /\.(?:service|socket|timer|target|mount|automount|path|device|swap|slice|scope)$/.test(name) ? name : `${name}.service`;
}
