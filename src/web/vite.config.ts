import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

/** Builds the site into dist/web, from where the server serves it; `vite` alone serves it against a local server. */
export default defineConfig({
  root: import.meta.dirname,
  base: '/',
  plugins: [react()],
  build: {
    outDir: '../../dist/web',
    emptyOutDir: true,
    target: 'es2022',
    // A data: address would need its own hole in the content security policy.
    assetsInlineLimit: 0,
    rolldownOptions: {
      output: {
        // Two files that change only with their packages, instead of sixty small ones; noVNC stays with the console.
        codeSplitting: {
          groups: [
            {
              name: 'framework',
              test: /node_modules\/(react|react-dom|react-router|scheduler|@tanstack|zod)\//,
            },
            { name: 'parts', test: /node_modules\/(?!@novnc)/ },
          ],
        },
      },
    },
    // The console (noVNC) is a chunk of its own and larger than the default limit allows without a warning.
    chunkSizeWarningLimit: 700,
  },
  server: {
    port: 5173,
    proxy: { '/api': { target: 'http://127.0.0.1:1024', ws: true } },
  },
})
