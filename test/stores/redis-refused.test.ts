/** What Redis means when it says no. */
import { describe, expect, test } from 'vitest';
import { codeOf, Refused } from '../../src/stores/redis/refused.ts';

const within = (said: string): string =>
  `ERR Error running script (call to f_0123456789abcdef): @user_script:82: @user_script: 82: ${said}`;

describe('what Redis refuses', () => {
  test.each([
    ['OOM', "OOM command not allowed when used memory > 'maxmemory'. script: 0123, on @user_script:82."],
    ['OOM', within("-OOM command not allowed when used memory > 'maxmemory'.")],
    ['READONLY', within("-READONLY You can't write against a read only replica.")],
    ['READONLY', "READONLY You can't write against a read only replica."],
    ['TRYAGAIN', within('Script attempted to access a non local key in a cluster node')],
    ['NOPERM', "NOPERM this user has no permissions to run the 'evalsha' command"],
  ])('is %s, and may be taken later on: %s', (code, message) => {
    expect(codeOf(message)).toBe(code);
    expect(new Refused(message)).toMatchObject({ forGood: false, mayBeForGood: false });
  });

  test('is refused for good where the shape is wrong, and maybe where nobody knows why', () => {
    const wrongType = 'WRONGTYPE Operation against a key holding the wrong kind of value';
    expect(new Refused(wrongType).forGood).toBe(true);
    expect(new Refused(within(`-${wrongType}`)).forGood).toBe(true);
    expect(new Refused('ERR value is not an integer')).toMatchObject({ forGood: false, mayBeForGood: true });
  });
});
