import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

/** A product that tells its usage from the browser: `window.send(options, events)` resolves to what the SDK complained about. */
const PAGE = `<!doctype html>
<title>A product</title>
<link rel="icon" href="data:," />
<script type="module">
  import { Meterline } from '/meterline/index.js';
  window.send = async (options, events) => {
    const complaints = [];
    const onError = (error) => complaints.push(error.message);
    const onDrop = (drop) => complaints.push(drop.reason);
    const meterline = new Meterline({ ...options, onError, onDrop });
    for (const event of events) meterline.trackMinutes(event);
    await meterline.flush();
    return complaints;
  };
</script>
`;

/** Serves that page at `/` and the files of a built SDK below `/meterline/`. */
export async function startPageServer(sdkFolder: string): Promise<{ origin: string; close(): void }> {
  const server = createServer((request, response) => {
    const file = /^\/meterline\/([a-z-]+\.js)$/.exec(request.url ?? '')?.[1];
    if (file === undefined) {
      response.setHeader('content-type', 'text/html').end(PAGE);
      return;
    }
    response.setHeader('content-type', 'text/javascript');
    readFile(path.join(sdkFolder, file)).then(
      (content) => response.end(content),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${port}`, close: () => void server.close() };
}
