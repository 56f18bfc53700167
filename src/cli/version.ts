/** Set by the build. */
declare const LVS_PLAY_VERSION: string;

/** The tool's own version; `development` where it runs from its sources. */
export function toolVersion(): string {
  return typeof LVS_PLAY_VERSION === 'undefined' ? 'development' : LVS_PLAY_VERSION;
}
