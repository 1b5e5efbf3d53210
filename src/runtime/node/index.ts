export { type ServerTimeouts, type Serving, serve } from './serve.ts'
