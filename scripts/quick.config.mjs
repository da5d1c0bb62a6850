import { defineConfig } from 'vite'

export default defineConfig({
  build: {
    ssr: 'src/cli/quick.ts',
    outDir: 'dist/quick',
    target: 'node24',
    minify: true,
    emptyOutDir: true,
    rolldownOptions: { output: { entryFileNames: 'quick.js' } },
  },
  ssr: { noExternal: true },
})
