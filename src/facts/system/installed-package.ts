import { defineFact } from '../contract.ts';
import { byRpm, isWhole, queried, queryScript } from './package.ts';

/** Key: a package's name. Its version, null when it is not installed whole. One process; for looks that install nothing, where the fact `package` would ask the sources too. */
export const installedPackageFact = defineFact<string | null>({
  name: 'installed_package',
  summary: 'installed versions (dpkg, rpm)',
  script: (keys) => ['if command -v dpkg-query >/dev/null 2>&1; then', `${queryScript(keys)} 2>/dev/null`, ...byRpm(keys)].join('\n'),
  parse: (output, keys) => {
    const found = queried(output.toString('utf8'));
    return new Map(
      keys.map((key) => {
        const known = found.get(key);
        return [key, known !== undefined && isWhole(known) ? known.version : null];
      }),
    );
  },
});
