// What a container asks of itself: 0 if the service on this port is ready. Says why not, for `docker inspect`.
const url = `http://127.0.0.1:${process.env.METERLINE_PORT}/readyz`;
const response = await fetch(url, { signal: AbortSignal.timeout(4_000) });
process.stdout.write(await response.text());
process.exitCode = response.ok ? 0 : 1;
