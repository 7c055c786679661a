/** The storages: `file` for processes that vote, `memory` by explicit choice. Read next: `file.ts`. */
export { type FileOptions, file } from './file'
export { memory } from './memory'
