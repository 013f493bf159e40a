// What users live through, with the definitions of former releases in place of today's, until they deploy again.
import { DEFINITION } from '../../core/contract/payloads.ts';
import { storedDefinitions } from '../infra/definitions.ts';
import { embeddedPlatform } from './embedded-platform.ts';
import { PLACES, runScenarios, SCENARIOS } from './scenarios.ts';
import { UPGRADES } from './upgrades.ts';

for (const firstDefinition of storedDefinitions().filter((version) => version !== DEFINITION)) {
  const title = `${PLACES.embedded.title}, with definition ${firstDefinition}`;
  runScenarios({ title }, () => embeddedPlatform({ firstDefinition }), [...UPGRADES, ...SCENARIOS]);
}
