import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Json } from '../../../src/core/json.ts';
import { addressFact } from '../../../src/facts/network/address.ts';
import { bootFact } from '../../../src/facts/system/boot.ts';
import { balanceFact } from '../../../src/facts/network/balance.ts';
import { contentFact } from '../../../src/facts/files/content.ts';
import type { FactDef } from '../../../src/facts/contract.ts';
import { defaultRouteFact } from '../../../src/facts/network/default-route.ts';
import { fileFact } from '../../../src/facts/files/file.ts';
import { firewallFact } from '../../../src/facts/network/firewall.ts';
import { ipvsFact } from '../../../src/facts/network/ipvs.ts';
import { drainFlagsFact } from '../../../src/facts/records/drain-flags.ts';
import { drainsFact } from '../../../src/facts/records/drains.ts';
import { failoversFact } from '../../../src/facts/records/failovers.ts';
import { keepalivedFact } from '../../../src/facts/system/keepalived.ts';
import { kernelModuleFact } from '../../../src/facts/system/kernel-module.ts';
import { installedPackageFact } from '../../../src/facts/system/installed-package.ts';
import { packageFact } from '../../../src/facts/system/package.ts';
import { packageCandidateFact } from '../../../src/facts/system/package-candidate.ts';
import { sysctlFact } from '../../../src/facts/system/sysctl.ts';
import { tunnelFact } from '../../../src/facts/network/tunnel.ts';
import { unitFact } from '../../../src/facts/system/unit.ts';

/** What a host printed, and what it means: `cases/<fact>/<name>.json`. */
interface Case {
  /** Where the output is from. */
  readonly from: string;
  /** Its lines; NUL and bytes that are no text as in a JSON string. */
  readonly output: readonly string[];
  /** By key; sorted, as a fact is asked. */
  readonly value?: Readonly<Record<string, Json>>;
  /** Or the error, and the keys asked for. */
  readonly error?: string;
  readonly keys?: readonly string[];
}

const FACTS: readonly FactDef[] = [addressFact, balanceFact, bootFact, contentFact, defaultRouteFact, drainFlagsFact, drainsFact, failoversFact, fileFact, firewallFact, installedPackageFact, ipvsFact, keepalivedFact, kernelModuleFact, packageFact, packageCandidateFact, sysctlFact, tunnelFact, unitFact] as readonly FactDef[];
const CASES = path.join(import.meta.dirname, 'cases');

it('every kind of fact has cases', () => {
  expect(readdirSync(CASES).sort()).toEqual(FACTS.map((fact) => fact.name).sort());
});

describe.each(FACTS.map((fact) => [fact.name, fact] as const))('%s', (name, fact) => {
  const dir = path.join(CASES, name);
  it.each(readdirSync(dir).map((file) => [file.replace(/\.json$/, ''), file] as const))('%s', (_title, file) => {
    const { output, value, error, keys = [] } = JSON.parse(readFileSync(path.join(dir, file), 'utf8')) as Case;
    const bytes = Buffer.from(output.join('\n'), 'latin1');
    if (value === undefined) {
      expect(() => fact.parse(bytes, keys)).toThrow(error);
      return;
    }
    expect(Object.fromEntries(fact.parse(bytes, Object.keys(value)))).toEqual(value);
  });
});
