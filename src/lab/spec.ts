/** What a lab is made of: the pure result of reading an inventory. */
export interface LabSpec {
  readonly nodes: readonly LabNode[];
  readonly networks: readonly LabNetwork[];
}

export interface LabNode {
  /** The inventory's name of the host, and the node's own. */
  readonly name: string;
  /** Where its sshd is reached: `ansible_host`. */
  readonly address: string;
  /** In the order of the node's network cards. */
  readonly interfaces: readonly LabInterface[];
  /** Address of the default route's next hop. */
  readonly gateway: string | undefined;
  /** Mebibytes. */
  readonly memory: number;
}

export interface LabInterface {
  /** As the node calls it, e.g. `eth0`. */
  readonly name: string;
  /** Name of the LabNetwork it is plugged into. */
  readonly network: string;
  /** The first is the main one. */
  readonly addresses: readonly InterfaceAddress[];
}

export interface InterfaceAddress {
  readonly address: string;
  readonly prefix: number;
}

/** One layer 2 segment, and the control side's own addresses on it. */
export interface LabNetwork {
  /** Name of its bridge in the lab's namespace. */
  readonly name: string;
  readonly control: readonly InterfaceAddress[];
}

/** Bytes of memory that all nodes together may come to use. */
export function memoryOf(spec: LabSpec): number {
  return spec.nodes.reduce((sum, node) => sum + node.memory, 0) * 1048576;
}

/** `192.0.2.1/24`, as ip(8) takes it. */
export function cidr(address: InterfaceAddress): string {
  return `${address.address}/${String(address.prefix)}`;
}
