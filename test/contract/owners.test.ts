import { ownerSourceContracts } from './owner-source.ts'

ownerSourceContracts()
