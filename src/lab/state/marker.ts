/** Marks an inventory folder as a lab's. Ansible and lvs-play pass over names that begin with a dot. */
export const MARKER = '.lab.json';

export interface LabMarker {
  readonly name: string;
  readonly namespace: string;
}
