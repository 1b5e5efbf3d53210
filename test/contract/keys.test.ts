import { keySourceContracts } from './key-source.ts'

keySourceContracts()
