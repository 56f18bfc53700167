/**
 * What a plan costs those who use the service, from what the hosts said when it was made. Survives JSON: plans are saved with it.
 */
export interface Impact {
  readonly services: readonly ServiceImpact[];
  readonly pairs: readonly PairImpact[];
  /** What is started anew, reads its configuration again, or stops. */
  readonly units: readonly UnitImpact[];
  /** Directors that are touched, in order; those of one array at the same time. */
  readonly order: readonly (readonly string[])[];
}

/** A virtual service that the plan touches. */
export interface ServiceImpact {
  /** Its name in the topology; else its key. */
  readonly service: string;
  /** As in `ipvsadm -Ln`: `TCP 192.168.0.38:80`. */
  readonly key: string;
  readonly directors: readonly string[];
  /** Whose table the counts are of: the director that holds the virtual IP, else the one with the most connections. */
  readonly countedOn: string | undefined;
  readonly change: 'new' | 'changed' | 'removed';
  readonly now: Capacity;
  readonly after: Capacity;
  readonly gone: readonly GoneServer[];
  /** Names of real servers that are new. */
  readonly added: readonly string[];
  /** Sum of the weights that it needs; of a removed service that of its past is not known: 0. */
  readonly quorum: number;
  readonly hasSorryServer: boolean;
  /** When one real server more fails, the one with the most weight. */
  readonly afterOneMore: 'served' | 'sorry server' | 'nobody';
}

/** Real servers that get new connections. */
export interface Capacity {
  readonly servers: number;
  readonly weight: number;
}

/** A real server that loses its clients, or gets no new ones. */
export interface GoneServer {
  readonly server: string;
  readonly how: 'removed' | 'weight 0';
  readonly active: number;
  readonly inactive: number;
  /** Clients that would have come back to it; null: the service is not persistent. */
  readonly templates: number | null;
}

/** An HA pair some of whose directors are touched. */
export interface PairImpact {
  readonly pair: string;
  /** Who holds its first virtual IP now. */
  readonly holder: string | undefined;
  /** Members that nothing was heard from, while nobody else holds a virtual IP: one of them may. Undefined: none. */
  readonly unheard?: readonly string[];
  /** Why its virtual IPs move, and how long nobody answers for them at most. Null: they stay where they are, or that is not known (`unheard`). */
  readonly election: { readonly reason: string; readonly seconds: number } | null;
  /** An operator's failover or failback gives another director the highest priority: it takes over while the holder still serves. Undefined: nobody does. */
  readonly movesTo?: string;
  /** Connections are known to the other director too. */
  readonly synchronised: boolean;
}

export interface UnitImpact {
  readonly host: string;
  /** `the host` of a reboot. */
  readonly unit: string;
  readonly what: 'starts' | 'restarts' | 'reloads' | 'stops' | 'reboots';
}

/** A rule about how much a plan may do at once that the plan breaks. */
export interface GuardFinding {
  readonly rule: GuardRule;
  /** What it is about: a service, a pair, a director. */
  readonly subject: string;
  /** With the numbers. */
  readonly reason: string;
  /** `--allow` names the rule. */
  readonly allowed: boolean;
}

export const GUARD_RULES = ['removed-share', 'all-services', 'both-directors', 'below-quorum'] as const;
export type GuardRule = (typeof GUARD_RULES)[number];
