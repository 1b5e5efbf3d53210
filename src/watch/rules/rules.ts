import type { Rule } from '../engine/rule.ts'
import { successAfterDenials } from './aftermath.ts'
import { foreignRecording, manyForeignRecordings, recordingOfMany } from './foreign.ts'
import { forgedTokens } from './forged.ts'
import { missingRecords } from './gaps.ts'
import { breakGlass, bulkReader, recorderConflicts, recorderOwners } from './insiders.ts'
import { foreignList } from './lists.ts'
import { changedOwner, manyBindings, manyWatchers } from './owners.ts'
import { enumeration, slowEnumeration } from './probing.ts'
import { releaseRise } from './release.ts'
import { sharedToken } from './shared-token.ts'
import { brokenProof, replacedKeys, touchedCanary } from './trust.ts'
import { verifierOutage } from './verifier.ts'

/** Every rule, by rising id. An id is never used again, and a rule that finds something else has a higher version. */
export const RULES: readonly Rule[] = [
  foreignRecording,
  manyForeignRecordings,
  releaseRise,
  recordingOfMany,
  foreignList,
  enumeration,
  forgedTokens,
  sharedToken,
  successAfterDenials,
  breakGlass,
  verifierOutage,
  slowEnumeration,
  manyWatchers,
  manyBindings,
  changedOwner,
  missingRecords,
  brokenProof,
  replacedKeys,
  bulkReader,
  recorderConflicts,
  recorderOwners,
  touchedCanary,
]

/** Returns a rule by its id. */
export function ruleOf(id: string): Rule | undefined {
  return RULES.find(rule => rule.id === id)
}
