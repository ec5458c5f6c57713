import { defineConfig } from 'drizzle-kit';

// `npx drizzle-kit generate --custom --name what-changes` adds a SQL file to `migrations/`.
export default defineConfig({
  dialect: 'postgresql',
  schema: './src/db/schema.ts',
  out: './migrations',
  schemaFilter: ['commitcast'],
});
