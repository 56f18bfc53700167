import { defineErrors } from './define.ts';

const HOSTS = 'all:\n  hosts: { lvs1: { ansible_host: 192.168.0.48 } }\n  vars: { lvs: {} }\n';

/** What an inventory must not have beside the variable `lvs`: the codes of src/plan/site.ts. Groups have no place of their own. */
export const INVENTORY_ERRORS = defineErrors([
  {
    id: 'reserved-group',
    summary: 'a group of the inventory has a name that lvs-play gives',
    why: 'lvs_directors, lvs_real_servers and lvs_pair_NAME are made from the variable lvs. With hosts of another origin in them a play would reach others than the cluster\'s.',
    source: 'docs/inventory.md',
    bad: `${HOSTS}  children:\n    lvs_directors: { hosts: { lvs1: } }\n`,
    good: `${HOSTS}  children:\n    directors: { hosts: { lvs1: } }\n`,
  },
]);
