import { LvsPlayError } from '../../core/errors.ts';
import type { FileState } from '../../facts/files/file.ts';
import type { Change } from '../contract.ts';

// A number would be compared with the name that stat gives and differ for ever.
const NAME = '^[A-Za-z_][A-Za-z0-9_.@-]*\\$?$';

/** Keys that file modules share, for their schemas. */
export const attributeProperties = {
  mode: { type: ['string', 'integer'], description: 'Permissions in octal, quoted: "0644". Default: as it is, 0644 for a new file.' },
  owner: { type: 'string', pattern: NAME, description: 'Name of the owning user, not its number. Default: as it is.' },
  group: { type: 'string', pattern: NAME, description: 'Name of the owning group, not its number. Default: as it is.' },
} as const;

export interface Attributes {
  readonly mode?: string | number | undefined;
  readonly owner?: string | undefined;
  readonly group?: string | undefined;
}

/** Four octal digits. YAML 1.1 reads an unquoted 0644 as the number 420, which is meant the same. @throws LvsPlayError `bad-mode` */
export function modeOf(mode: string | number | undefined): string | undefined {
  if (mode === undefined) return undefined;
  const text = typeof mode === 'number' ? mode.toString(8) : mode;
  const isDecimal = typeof mode === 'number' && text !== '777' && readsAsMode(String(mode));
  if (/^[0-7]{3,4}$/.test(text) && !isDecimal) return text.padStart(4, '0');
  throw new LvsPlayError({ code: 'bad-mode', kind: 'input', message: `mode ${String(mode)} is not octal`, hint: 'quote it: mode: "0644"' });
}

/**
 * Whether the digits themselves are a mode that somebody would give: read for the owner, and nobody may more than who stands before. An unquoted 440 is
 * such a number, but YAML takes it for decimal, which is 0670 in octal; 420, which is what YAML makes of 0644, is none. Of the usual modes only 0777 is
 * taken for one (511).
 */
function readsAsMode(digits: string): boolean {
  const [owner = 0, group = 0, other = 0] = /^[0-7]?([0-7])([0-7])([0-7])$/.exec(digits)?.slice(1).map(Number) ?? [];
  return (owner & 4) !== 0 && (owner & group) === group && (group & other) === other;
}

/** Differences of mode, owner and group on a path that exists; on a new one they come with its creation. */
export function attributeChanges(path: string, state: FileState, wanted: Attributes): Change[] {
  const pairs = [
    ['mode', state.mode, modeOf(wanted.mode)],
    ['owner', state.owner, wanted.owner],
    ['group', state.group, wanted.group],
  ] as const;
  return pairs.flatMap(([name, before, after]) => (after === undefined || before === after ? [] : [{ path: `${path} ${name}`, before, after }]));
}

/** A path's state once the attributes are set; what is not given is as a new file of root's gets it. */
export function withAttributes(state: FileState, type: FileState['type'], wanted: Attributes): FileState {
  const isNew = state.type === 'absent';
  return {
    type,
    mode: modeOf(wanted.mode) ?? (isNew ? (type === 'directory' ? '0755' : '0644') : state.mode),
    owner: wanted.owner ?? (isNew ? 'root' : state.owner),
    group: wanted.group ?? (isNew ? 'root' : state.group),
  };
}
