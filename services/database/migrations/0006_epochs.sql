-- An epoch is never used again, not even after a restore: viewers keep the board with the greatest (epoch, seq). So each new
-- epoch is at least the Unix time in seconds, and follows every epoch that a lost later state of this database handed out.
-- Epochs so far were counted from 1; this one makes viewers take what comes next.
update rank_index set
  epoch = greatest(epoch + 1, building + 1, floor(extract(epoch from clock_timestamp()))::bigint),
  source = 'postgres',
  building = null;
