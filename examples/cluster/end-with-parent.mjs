// Loaded into a child with `--import`: however the parent ends, kill -9 included, the child stops in order.
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
