import { homedir } from 'node:os';
import path from 'node:path';
import { LvsPlayError } from '../../core/errors.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Images, one folder per recipe; safe to delete when no lab runs. */
export function imageRoot(env: Environment = process.env): string {
  return path.join(xdg(env, 'XDG_CACHE_HOME', '.cache'), 'lvs-play', 'lab');
}

/** One folder per lab that is up. */
export function labsRoot(env: Environment = process.env): string {
  return path.join(xdg(env, 'XDG_STATE_HOME', '.local/state'), 'lvs-play', 'labs');
}

/** A relative value is to be ignored (XDG Base Directory Specification). */
function xdg(env: Environment, variable: string, fallback: string): string {
  const value = env[variable];
  return value !== undefined && path.isAbsolute(value) ? value : path.join(env['HOME'] ?? homedir(), fallback);
}

export const NAMESPACE_PREFIX = 'lvsplay-';

export interface LabPaths {
  readonly name: string;
  /** As `ip netns` names it. */
  readonly namespace: string;
  readonly dir: string;
  readonly lock: string;
  readonly state: string;
  readonly key: string;
  readonly knownHosts: string;
  /** The wrapper that starts a node's kernel. */
  readonly launcher: string;
  /** What to give to `-i`. */
  readonly overlay: string;
}

/** @throws LvsPlayError `lab-name` for a name that cannot be part of a namespace's */
export function labPaths(name: string, root = labsRoot()): LabPaths {
  if (!/^[a-z0-9][a-z0-9-]{0,29}$/.test(name)) {
    throw new LvsPlayError({ code: 'lab-name', kind: 'usage', message: `'${name}' is no name for a lab`, hint: 'use up to 30 lower-case letters, digits and hyphens' });
  }
  const dir = path.join(root, name);
  return {
    name,
    namespace: NAMESPACE_PREFIX + name,
    dir,
    lock: path.join(root, `.${name}.lock`),
    state: path.join(dir, 'state.json'),
    key: path.join(dir, 'id_ed25519'),
    knownHosts: path.join(dir, 'known_hosts'),
    launcher: path.join(dir, 'node-kernel'),
    overlay: path.join(dir, 'inventory'),
  };
}

export interface NodePaths {
  readonly dir: string;
  /** What the node wrote over the image; the image itself is never written. */
  readonly disk: string;
  readonly console: string;
  /** Read by the node at boot through hostfs: identity, host key, addresses. */
  readonly config: string;
  readonly process: string;
  readonly uml: string;
}

export function nodePaths(lab: LabPaths, node: string): NodePaths {
  const dir = path.join(lab.dir, 'nodes', node);
  return {
    dir,
    disk: path.join(dir, 'disk.cow'),
    console: path.join(dir, 'console.log'),
    config: path.join(dir, 'config'),
    process: path.join(dir, 'process.json'),
    uml: path.join(dir, 'uml'),
  };
}
