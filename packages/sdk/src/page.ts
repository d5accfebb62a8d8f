type Listen = (type: 'pagehide', listener: () => void) => void;

/** Calls `run` whenever the browser leaves the page (it may come back to it); does nothing outside of browsers. Returns how to stop. */
export function onPageHide(run: () => void): () => void {
  listenWith('addEventListener', run);
  return () => listenWith('removeEventListener', run);
}

function listenWith(method: 'addEventListener' | 'removeEventListener', listener: () => void): void {
  const page: { [name in typeof method]?: Listen } & object = globalThis;
  page[method]?.('pagehide', listener);
}
