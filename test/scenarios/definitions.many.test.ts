// What users live through, with the definitions of former releases in place of today's, until they deploy again.
import { BATCHES_DEFINITION, DEFINITION } from '../../core/contract/payloads.ts';
import { storedDefinitions } from '../infra/definitions.ts';
import { BATCHES } from './batches.ts';
import { embeddedPlatform } from './embedded-platform.ts';
import { PLACES, runScenarios, SCENARIOS } from './scenarios.ts';
import { UPGRADES } from './upgrades.ts';

for (const firstDefinition of storedDefinitions().filter((version) => version !== DEFINITION)) {
  const title = `${PLACES.embedded.title}, with definition ${firstDefinition}`;
  // With an older one a run of batches waits for the deployment, for ever: that of UPGRADES has it.
  const scenarios = SCENARIOS.filter((each) => firstDefinition >= BATCHES_DEFINITION || !BATCHES.includes(each));
  runScenarios({ title }, () => embeddedPlatform({ firstDefinition }), [...UPGRADES, ...scenarios]);
}
