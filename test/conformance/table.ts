/** The conformance table: every case, for every engine that claims it. */
import type { Case } from './case.ts'
import { chances } from './cases/chances.ts'
import { network } from './cases/network.ts'
import { outcomes } from './cases/outcomes.ts'
import { programs } from './cases/programs.ts'
import { selection } from './cases/selection.ts'
import { targets } from './cases/targets.ts'
import { trees } from './cases/trees.ts'

export const table: readonly Case[] = [
  ...outcomes,
  ...chances,
  ...selection,
  ...trees,
  ...targets,
  ...programs,
  ...network,
]
