import { LvsPlayError } from '../../core/errors.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import { isJsonObject } from '../../core/json.ts';
import type { DataPath } from '../../core/located.ts';
import type { Host } from '../../inventory/types.ts';
import { parseAddress } from './addresses.ts';
import type { InterfaceAddress } from '../spec.ts';

export type WrittenAddress = InterfaceAddress & { readonly explicit: boolean };

/** Reads the lab's variables of one host; what is wrong is collected with its place, so that one pass tells all. */
export class HostVars {
  readonly host: Host;
  readonly #errors: LvsPlayError[];

  constructor(host: Host, errors: LvsPlayError[]) {
    this.host = host;
    this.#errors = errors;
  }

  static nowhere(message: string): LvsPlayError {
    return new LvsPlayError({ code: 'lab-inventory', kind: 'input', message });
  }

  error(message: string, variable: string, hint?: string, path: DataPath = []): LvsPlayError {
    const position = this.host.vars.get(variable)?.locate(path);
    return new LvsPlayError({ code: 'lab-inventory', kind: 'input', message, host: this.host.name, position, hint });
  }

  /** Collects the error; the empty list lets a caller go on to the next host. */
  fail(message: string, variable: string, hint?: string, path: DataPath = []): [] {
    // A shared group variable is wrong once, not once per host.
    const error = this.error(message, variable, hint, path);
    if (!this.#errors.some((known) => known.message === message)) this.#errors.push(error);
    return [];
  }

  text(variable: string): string | undefined {
    const value = this.host.vars.get(variable)?.value;
    return typeof value === 'string' && value !== '' ? value : undefined;
  }

  number(variable: string, least: number, most: number): number | undefined {
    const value = this.host.vars.get(variable)?.value;
    if (value === undefined || value === null) return undefined;
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
    this.fail(`${variable} must be a whole number from ${String(least)} to ${String(most)}`, variable);
    return undefined;
  }

  object(variable: string): JsonObject {
    const value = this.host.vars.get(variable)?.value ?? {};
    if (isJsonObject(value)) return value;
    this.fail(`${variable} must map interface names to addresses`, variable, 'write it as {eth1: 10.0.0.1/24}');
    return {};
  }

  /** A variable that is one address or a list of them; none when it is not set. */
  addresses(variable: string): WrittenAddress[] {
    const value = this.host.vars.get(variable)?.value;
    return value === undefined || value === null ? [] : this.addressList(value, variable, []);
  }

  addressList(value: Json, variable: string, path: DataPath): WrittenAddress[] {
    const items: readonly Json[] = Array.isArray(value) ? (value as readonly Json[]) : [value];
    return items.flatMap((item, index) => {
      const parsed = typeof item === 'string' ? parseAddress(item) : undefined;
      if (parsed !== undefined) return [parsed];
      return this.fail(`${JSON.stringify(item)} in ${variable} is no IP address`, variable, 'write it as 10.0.0.1/24', Array.isArray(value) ? [...path, index] : path);
    });
  }
}
