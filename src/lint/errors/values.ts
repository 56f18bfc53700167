import { PAIR, service } from '../rules/examples.ts';
import { defineErrors } from './define.ts';

const WEB = `${PAIR}${service()}`;

/** Keys, values and hosts. */
export const valueErrors = defineErrors([
  {
    id: 'unknown-key',
    summary: 'a key that is not known at its place',
    why: 'Nobody would read it: what it should set would stay as it is, without a word.',
    source: 'docs/inventory.md',
    bad: WEB.replace('rs1: { weight', 'rs1: { §wieght'),
    good: WEB,
  },
  {
    id: 'missing-key',
    summary: 'a key is missing',
    why: 'There is no default that would be right everywhere.',
    source: 'docs/inventory.md',
    bad: WEB.replace('    mode: dr\n', '').replace('web', '§web'),
    good: WEB,
  },
  {
    id: 'wrong-type',
    summary: 'a value is of the wrong type',
    why: 'YAML tells numbers, texts, lists and mappings apart: 1.1 is a number, "1.1" a text.',
    source: 'docs/inventory.md; YAML 1.1, 2.4',
    bad: `${PAIR}${service('check_interval: §often')}`,
    good: `${PAIR}${service('check_interval: 6')}`,
  },
  {
    id: 'bad-value',
    summary: 'a value is none of those that are possible',
    why: 'keepalived or the kernel would refuse it, or take it for something else.',
    source: 'docs/inventory.md',
    bad: `${PAIR}${service('mode: §direct')}`,
    good: WEB,
  },
  {
    id: 'unknown-host',
    summary: 'a host that is not in the inventory',
    why: 'Its address is not known, and nothing can be deployed to it.',
    source: 'docs/inventory.md',
    bad: WEB.replace('rs1', '§rs9'),
    good: WEB,
  },
  {
    id: 'host-address',
    summary: 'the address of a host is not known as an IP address',
    why: 'IPVS and keepalived are configured with addresses; a name that ssh can look up is not enough. lvs_address says which one the host has in the cluster.',
    source: 'docs/inventory.md, lvs_address',
    bad: WEB.replace('rs1', '§named'),
    good: WEB,
  },
]);
