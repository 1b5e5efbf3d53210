// Loaded by the scripts of package.json before the sources, which are TypeScript. Node before 22.18 reads none, and would
// print a stack of its own. In a package, require-node.ts does this.

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 18) || (major === 23 && minor < 6)) {
  process.stderr.write(
    `mediaward: error: a checkout needs Node 22.18 or newer, and this is Node ${process.versions.node}: run "npm ci", whose install scripts bring Node 24 for "npm start" and the other scripts\n`,
  )
  process.exit(1)
}
