import { failoverChange, type FailoverRecord, FAILOVERS_FOLDER, parseFailover } from '../../lvs/failover/record.ts';
import { defineRecords } from './records.ts';

export const failoversFact = defineRecords<FailoverRecord>({ name: 'failovers', summary: 'pairs that an operator has moved to another director, by whom and why', folder: FAILOVERS_FOLDER, parse: parseFailover, about: ({ pair }) => pair, path: failoverChange });
