/**
 * Who should lead which partition, as everybody who sees the same owners and members works it out for themselves. Shares differ by one partition at
 * most, and no more moves than that needs: whoever holds partitions keeps the lowest of them up to its share.
 * @param owners index = partition: who holds it; anyone who is not a member holds nothing
 * @param members who lives, at least one; their order does not matter
 * @returns index = partition: the member that should lead it
 */
export function assignPartitions(owners: readonly string[], members: readonly string[]): string[] {
  const held = new Map([...new Set(members)].sort().map((member): [string, number[]] => [member, []]));
  for (const [partition, owner] of owners.entries()) held.get(owner)?.push(partition);
  const leader = new Map<number, string>();
  const roomOf: [string, number][] = [];
  const share = Math.floor(owners.length / held.size);
  const sharesAndOne = owners.length % held.size;
  // Those with the most get the places left over, so that nothing moves for their sake. The sort is stable: equals stay in the order of names.
  const byHeld = [...held].sort(([, one], [, other]) => other.length - one.length);
  for (const [place, [member, own]] of byHeld.entries()) {
    const quota = share + (place < sharesAndOne ? 1 : 0);
    for (const partition of own.slice(0, quota)) leader.set(partition, member);
    if (own.length < quota) roomOf.push([member, quota - own.length]);
  }
  const takers = roomOf.flatMap(([member, room]) => Array.from({ length: room }, () => member)).values();
  return owners.map((_, partition) => leader.get(partition) ?? nextOf(takers));
}

/** The quotas add up to the number of partitions, so there is one for each that has no leader. */
function nextOf(takers: Iterator<string>): string {
  const taker = takers.next();
  if (taker.done === true) throw new Error('partitions cannot be shared among nobody');
  return taker.value;
}
