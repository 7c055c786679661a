/** Pictures of runs: what other folders may use. */
export { drawPage } from './page'
export { Recorder, type StoryTitle } from './recorder'
export type * from './story'
export { drawSvg, type SvgOptions } from './svg'
export { type WindowChoice, windowOf } from './window'
