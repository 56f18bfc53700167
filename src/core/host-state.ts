/** Where lvs-play keeps what belongs to a host: its lock, records of runs, saved states. Root's own, mode 0700. */
export const HOST_STATE = '/var/lib/lvs-play';

/** The same, or where LVS_PLAY_HOST_STATE says: for those who try it on the machine they work on. */
export function hostState(env: Readonly<Record<string, string | undefined>>): string {
  const named = env['LVS_PLAY_HOST_STATE'];
  return named !== undefined && named.startsWith('/') ? named : HOST_STATE;
}

/** Folder of one run on a host. @param run as core/run-id.ts makes them */
export function runFolder(run: string, root = HOST_STATE): string {
  return `${root}/runs/${run}`;
}
