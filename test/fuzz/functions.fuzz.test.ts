// What is sent to the functions, and what they read keys and texts from.
import fc from 'fast-check';
import { afterEach, beforeEach, expect, vi } from 'vitest';
import { OdinError } from '../../core/errors.ts';
import type { KindName } from '../../core/ledger/keys.ts';
import { entryKey, entryNumberOf, KINDS, partsOf } from '../../core/ledger/keys.ts';
import { configurationOf, parseConfiguration } from '../../project/configuration.ts';
import { expectServed, NAMES, payloadFor } from '../support/deployed.ts';
import { changed, hostileJson, hostileText } from '../support/hostile.ts';
import { fuzz } from './fuzz.ts';

beforeEach(() => {
  vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
});
afterEach(() => {
  vi.restoreAllMocks();
});

for (const name of NAMES) {
  fuzz(`${name} answers any payload, or names what is wrong, and leaves no trace`, 0.02, payloadFor(name), (payload) =>
    expectServed(name, payload),
  );
}

const KIND_NAMES = Object.keys(KINDS) as KindName[];
const piece = fc.oneof(
  hostileText,
  fc.constantFrom('log', '00000001', '0001', 'claim.json', 'turns', 'waiters', '.json'),
);

fuzz('a key is of one kind at most, and an entry has one key', 0.02, fc.array(piece, { maxLength: 5 }), (pieces) => {
  const key = pieces.join('/');
  const kinds = KIND_NAMES.filter((kind) => partsOf(kind, key));
  expect(kinds.length).toBeLessThanOrEqual(1);
  const number = entryNumberOf(key);
  if (number !== undefined) expect(entryKey(number)).toBe(key);
});

const GOOD = {
  app: 'shop',
  directory: 'operations',
  environments: {
    'odin-dev': {
      account: '111122223333',
      region: 'eu-west-1',
      variables: { DATA_BUCKET: 'b' },
      local: { variables: {}, data: 'local/data.ts' },
      stack: {
        notify: ['mailto:team@example.com', 'https://example.com/hook'],
        topic: 'arn:aws:sns:eu-west-1:111122223333:operators',
        vpc: { tags: { team: 'shop' } },
        vpcSubnets: { ids: ['subnet-0a1b'] },
        securityGroups: ['sg-0a1b'],
        access: {
          data: [{ Effect: 'Allow', Action: ['s3:GetObject'], Resource: '*', Condition: { Bool: { a: 'b' } } }],
        },
        logRetentionDays: 7,
        haltAlarmHours: 0.5,
        dashboard: 'look',
      },
    },
  },
};

fuzz(
  'odin-migrate.json is taken, or refused by the name of the field',
  0.03,
  fc.oneof(hostileJson, changed(GOOD)),
  (json) => {
    try {
      const configuration = parseConfiguration(json);
      for (const name of Object.keys(configuration.environments)) configurationOf(configuration, name);
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(OdinError);
      const { code, source, message } = thrown as OdinError;
      expect({ code, source }).toEqual({ code: 'BadConfiguration', source: 'user' });
      expect(message.length).toBeLessThan(2_000);
    }
  },
);
