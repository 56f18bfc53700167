import { describe, expect, it } from 'vitest';
import { LvsPlayError } from '../../../src/core/errors.ts';
import { hostConnection } from '../../../src/transport/connection.ts';
import { fakeConnector, fakeTarget, shellReply } from '../../../src/transport/fake.ts';

describe('fakeTarget', () => {
  it('answers by its handler and counts', async () => {
    const target = fakeTarget('rs1', ({ script }) => (script === 'false' ? shellReply('', 1, 'no') : `ran ${script}`));
    expect(target.stats().connections).toBe(0);
    expect((await target.request({ script: 'id' })).stdout.toString()).toBe('ran id');
    expect(await target.request({ script: 'false', become: true })).toMatchObject({ exitCode: 1, stderr: Buffer.from('no') });
    expect(target.stats()).toEqual({ connections: 1, requests: 1, becomeRequests: 1, bytesSent: 7, bytesReceived: 8 });
    expect(target.requests.map(({ script }) => script)).toEqual(['id', 'false']);
  });

  it('fails as a connection does', async () => {
    const lost = new LvsPlayError({ code: 'connection-lost', kind: 'unreachable', message: 'lost' });
    const target = fakeTarget('rs1', () => Promise.reject(lost));
    await expect(target.request({ script: ':' })).rejects.toBe(lost);
    await target.close();
    expect(target.closed).toBe(true);
    await expect(target.request({ script: ':' })).rejects.toMatchObject({ code: 'connection-closed' });
  });
});

describe('fakeConnector', () => {
  it('connects to the hosts it has', async () => {
    const target = fakeTarget('rs1', () => '');
    const connector = fakeConnector([target]);
    expect(await connector.connect(hostConnection('rs1', {}))).toBe(target);
    await expect(connector.connect(hostConnection('rs2', {}))).rejects.toMatchObject({ kind: 'unreachable', host: 'rs2' });
  });
});
