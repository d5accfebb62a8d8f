/** Loaded before a service: it must not outlive the process that started it, even if that one is killed. */
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));
// The channel alone keeps no service alive that has stopped.
process.channel?.unref();
