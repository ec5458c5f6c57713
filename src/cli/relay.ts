import { readEnvironment } from '../config/environment.ts';
import { CommitcastError } from '../core/errors.ts';
import { Releasers } from '../core/service.ts';
import { RelayInstance } from '../http/relay-instance.ts';
import { chooseAdapter } from './adapter-choice.ts';
import { parseOptions, type Command } from './command.ts';
import { startLogger } from './start-logger.ts';
import { stopOnSignal } from './stop-on-signal.ts';

export const relayCommand: Command = {
  name: 'relay',
  summary: 'Reads the log for the cluster in a process of its own, without sockets or HTTP.',
  usage: ['DATABASE_URL is needed, a key is not. The instances may then run with COMMITCAST_RELAY=off.'],
  async run(args) {
    parseOptions(args, {});
    const settings = readEnvironment(process.env);
    const connectionString = settings.databaseDirectUrl ?? settings.databaseUrl;
    if (connectionString === undefined) throw new CommitcastError('DATABASE_REQUIRED');
    const { name: adapter, redisUrl, reason } = chooseAdapter(settings, { embedded: false });
    if (adapter === 'memory') {
      throw new CommitcastError(
        'CONFIG_INVALID',
        'COMMITCAST_ADAPTER is "memory": nobody outside this process would hear a relay that is alone in it',
      );
    }
    const logger = startLogger(settings.logLevel);
    logger.info({ adapter, reason }, 'the adapter was chosen');
    const instance = new RelayInstance({
      connectionString,
      adapter,
      redisUrl,
      migrate: settings.migrate,
      retentionMs: settings.retention,
      keyRetentionMs: settings.keyRetention,
      logger,
    });
    const releasers = new Releasers();
    releasers.add(() => instance.stop());
    const stop = stopOnSignal(releasers);
    try {
      await instance.start();
    } catch (error) {
      await stop();
      throw error;
    }
  },
};
