import type { Commands } from './commands.ts';
import type { HostAddress } from './hosts.ts';
import type { Problems } from './problems.ts';
import type { HaPair } from './topology.ts';

/** What every check of one service needs to know. */
export interface ServiceContext {
  readonly hosts: ReadonlyMap<string, HostAddress>;
  readonly pairs: ReadonlyMap<string, HaPair>;
  readonly commands: Commands;
  readonly problems: Problems;
}
