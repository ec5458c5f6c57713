import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// `vite build -c src/console/vite.config.ts`: the page, whole, into dist/console. It may be served below any path.
export default defineConfig({
  root: new URL('.', import.meta.url).pathname,
  base: './',
  plugins: [react()],
  build: {
    outDir: '../../dist/console',
    emptyOutDir: true,
    // The first ones with `light-dark()`.
    target: ['chrome123', 'edge123', 'firefox121', 'safari17.5'],
    // A data: URL would need more of the Content-Security-Policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
