/** Where lvs-play keeps what belongs to a host: its lock, records of runs, saved states. Root's own, mode 0700. */
export const HOST_STATE = '/var/lib/lvs-play';
