// Deno's own plain way to answer with a file: it checks nothing.

const [root] = Deno.args
Deno.serve(
  {
    hostname: '127.0.0.1',
    port: 0,
    onListen: ({ port }) =>
      Deno.stdout.writeSync(new TextEncoder().encode(`{"ready":true,"url":"http://127.0.0.1:${port}"}\n`)),
  },
  async request => {
    const file = await Deno.open(root + new URL(request.url).pathname)
    const { size } = await file.stat()
    const headers = { 'Content-Type': 'video/mp4', 'Content-Length': String(size) }
    return new Response(file.readable, { headers })
  },
)
