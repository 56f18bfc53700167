import type { RunKeeper } from '../apply/keeper.ts';
import { journalKeeper } from '../journal/keeper.ts';
import type { JournalWriter } from '../journal/write.ts';
import { lockKeeper } from '../lock/keeper.ts';
import type { CommonOptions } from './input/options.ts';
import { processSecrets } from './output.ts';

/** Who watches over a run, in the order in which they begin: what refuses without touching a host comes first. */
export function keepersOf(options: CommonOptions, journal: JournalWriter): readonly RunKeeper[] {
  const { owner, line } = journal.header;
  return [journalKeeper(journal, (text) => processSecrets.mask(text)), lockKeeper({ owner, command: line, reason: options.reason })];
}
