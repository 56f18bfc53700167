/** Where lvs-play keeps what belongs to a host: its lock, records of runs, saved states. Root's own, mode 0700. */
const HOST_STATE = '/var/lib/lvs-play';

/** The same, or where LVS_PLAY_HOST_STATE says: for those who try it on the machine they work on. */
export function hostState(env: Readonly<Record<string, string | undefined>>): string {
  const named = env['LVS_PLAY_HOST_STATE'];
  return named !== undefined && named.startsWith('/') ? named : HOST_STATE;
}
