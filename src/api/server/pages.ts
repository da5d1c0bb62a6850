const MESSAGES = {
  'sign-in': {
    title: 'Signing in',
    message: 'Signing in ...',
    script: '<script type="module" src="/sign-in.js"></script>',
  },
  'signed-out': {
    title: 'Signed out',
    message:
      'You are signed out. Use the sign-in link that was printed at start, or run <code>vivarium sign-in</code> for a new one.',
    script: '',
  },
} as const

/** The only two pages that need no session: they say nothing of what is inside. */
export function page(name: keyof typeof MESSAGES): string {
  const { title, message, script } = MESSAGES[name]
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,"><title>${title} - Vivarium</title><style>
body{font:16px/1.5 system-ui,sans-serif;display:grid;place-items:center;min-height:90vh;margin:0;color:#13231a;background:#f3f7f4}
main{max-width:32rem;padding:2rem;text-align:center}h1{font-size:1.4rem;color:#1f6b45}code{background:#e0ebe4;padding:.1em .4em;border-radius:4px}
@media(prefers-color-scheme:dark){body{color:#dfeae3;background:#101713}h1{color:#67c193}code{background:#22302a}}
</style></head><body><main><h1>Vivarium</h1><p id="message" role="status">${message}</p></main>${script}</body></html>`
}
