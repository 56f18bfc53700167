import os from 'node:os';
import path from 'node:path';

/** Where the journal lies: where LVS_PLAY_JOURNAL says, else `$XDG_STATE_HOME/lvs-play/runs`, by default under ~/.local/state. */
export function journalDir(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const named = env['LVS_PLAY_JOURNAL'];
  if (named !== undefined && path.isAbsolute(named)) return named;
  const state = env['XDG_STATE_HOME'];
  // The base directory specification: a relative path is to be ignored.
  const base = state !== undefined && path.isAbsolute(state) ? state : path.join(os.homedir(), '.local', 'state');
  return path.join(base, 'lvs-play', 'runs');
}
