/** Claims the data folder that its argument names each time it is told to, says how that went, and holds it until it is killed or left alone. */
import { claimDataFolder } from '../../../dev/host/data-folder.ts';

const [, , dataDir = ''] = process.argv;
process.on('message', async () => {
  const answer = await claimDataFolder(dataDir).then(
    () => 'claimed',
    (error: unknown) => String(error),
  );
  process.send?.(answer);
});
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
