import { declareValuePlugin, PluginKind } from '@stryker-mutator/api/plugin'

// Leaves out the strings that only people read. Header values, SQL, element names and the prefixes of keys are strings
// too and stay in, so a space alone doesn't make a string prose.

/** Three words in a row without a capital letter. */
const PROSE = /\p{Ll} \p{Ll}+ \p{Ll}/u
const ERROR = /^(?:Aggregate|Range|Syntax|Type|Storage)?(?:Error|Fault)$/

function contentOf(node) {
  if (node.type === 'StringLiteral') return node.value
  return node.type === 'TemplateLiteral' ? node.quasis.map(quasi => quasi.value.raw).join('0') : undefined
}

const isMessage = ({ node, parent }) =>
  parent.type === 'NewExpression' && parent.arguments[0] === node && ERROR.test(parent.callee.name ?? '')

export const strykerPlugins = [
  declareValuePlugin(PluginKind.Ignore, 'prose', {
    shouldIgnore(path) {
      const content = contentOf(path.node)
      return content !== undefined && (isMessage(path) || PROSE.test(content))
        ? 'only people read it'
        : undefined
    },
  }),
]
