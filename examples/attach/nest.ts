import {
  Controller,
  HttpCode,
  Inject,
  Module,
  Param,
  Post,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { HttpAdapterHost, NestFactory } from '@nestjs/core';
import { append } from 'commitcast';
import { attach, type AttachedCommitcast } from 'commitcast/attach';
import { Kysely, PostgresDialect } from 'kysely';
import { Pool } from 'pg';

interface Database {
  doors: { unit: string; state: string };
}
const pool = new Pool({ connectionString: process.env['DATABASE_URL'] });
const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) });

@Controller('doors')
class DoorsController {
  @Post(':unit/open')
  @HttpCode(204)
  async open(@Param('unit') unit: string): Promise<void> {
    await db.transaction().execute(async (tx) => {
      await tx.updateTable('doors').set({ state: 'open' }).where('unit', '=', unit).execute();
      await append(tx, { org: 'acme', unit, type: 'door.opened', data: { state: 'open' } });
    });
  }
}

@Module({ controllers: [DoorsController] })
class AppModule implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown {
  readonly #host: HttpAdapterHost;
  #commitcast?: AttachedCommitcast;

  constructor(@Inject(HttpAdapterHost) host: HttpAdapterHost) {
    this.#host = host;
  }

  /** Before Nest listens. */
  async onApplicationBootstrap(): Promise<void> {
    const server = this.#host.httpAdapter.getHttpServer();
    this.#commitcast = await attach(server, { pool, jwt: { secret: process.env['JWT_SECRET'] } });
  }

  /** Before Nest closes its server, which waits for its sockets. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.#commitcast?.close();
  }

  async onApplicationShutdown(): Promise<void> {
    await db.destroy();
  }
}

const app = await NestFactory.create(AppModule, { logger: ['error'] });
app.enableShutdownHooks();
await app.listen(process.env['PORT'] ?? 3000);
console.log(`http://127.0.0.1:${app.getHttpServer().address().port}`);
