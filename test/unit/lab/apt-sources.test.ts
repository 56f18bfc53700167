import { describe, expect, it } from 'vitest';
import { aptOptions, parseListFile, parseSourcesFile, sourceLines } from '../../../src/lab/image/apt-sources.ts';

describe('apt sources of this machine', () => {
  it('reads one-line files', () => {
    const text = `# deb http://old.example bookworm main
deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian bookworm main contrib # near
deb-src http://mirror.example/debian bookworm main
deb http://mirror.example/debian/ bookworm-updates main
deb http://third.example/apt bookworm stable
deb http://mirror.example/debian trixie main
deb cdrom:[disc]/ bookworm main
`;
    expect(parseListFile(text)).toEqual([
      { uri: 'http://mirror.example/debian', suite: 'bookworm', signedBy: '/k.gpg' },
      { uri: 'http://mirror.example/debian/', suite: 'bookworm-updates', signedBy: undefined },
    ]);
  });

  it('reads deb822 files', () => {
    const text = `Types: deb deb-src
# a comment
URIs: http://a.example/debian
Suites: bookworm
  bookworm-updates
Components: main
Signed-By: /k.gpg

Types: deb
URIs: http://b.example/debian
Suites: bookworm-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----

Enabled: no
Types: deb
URIs: http://c.example/debian
Suites: bookworm
Components: main
`;
    expect(parseSourcesFile(text)).toEqual([
      { uri: 'http://a.example/debian', suite: 'bookworm', signedBy: '/k.gpg' },
      { uri: 'http://a.example/debian', suite: 'bookworm-updates', signedBy: '/k.gpg' },
      { uri: 'http://b.example/debian', suite: 'bookworm-security', signedBy: undefined },
    ]);
  });

  it('uses them when they hold the suite, else the public archive', () => {
    expect(sourceLines([{ uri: 'http://a.example/debian', suite: 'bookworm', signedBy: '/k.gpg' }])).toBe('deb [signed-by=/k.gpg] http://a.example/debian bookworm main\n');
    expect(sourceLines([{ uri: 'http://a.example/debian', suite: 'bookworm-updates', signedBy: undefined }]).split('\n')[0]).toBe('deb http://deb.debian.org/debian bookworm main');
  });

  it('takes over how this machine reaches an archive, and nothing else', () => {
    const dump = `APT::Architecture "amd64";
Acquire::http::Proxy "http://proxy.example:3128";
Acquire::https "";
Acquire::Check-Valid-Until "false";
DPkg::Post-Invoke:: "rm -rf /tmp/x";
`;
    expect(aptOptions(dump)).toEqual(['Acquire::http::Proxy "http://proxy.example:3128";', 'Acquire::Check-Valid-Until "false";']);
  });
});
