// Bundles the page into a folder: node build.mjs FOLDER
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const folder = process.argv[2];
mkdirSync(folder, { recursive: true });
cpSync(new URL('src/index.html', import.meta.url), join(folder, 'index.html'));
await build({
    entryPoints: { app: new URL('src/app.jsx', import.meta.url).pathname },
    outdir: folder,
    bundle: true,
    format: 'esm',
    splitting: true,
    minify: true,
    jsx: 'automatic',
    target: 'es2022',
    define: { 'process.env.NODE_ENV': '"production"' },
    legalComments: 'linked',
    logLevel: 'warning',
});
