-- Windows of players after the clock was set back, and links with a truncated digest.

-- A window that begins in the future was counted before the clock was set back. It counts as of now, and is written down as such,
-- so that it passes in its own time and not when the clock has caught up.

create or replace function window_at(held player_windows, new_slice_ms bigint, at_ms bigint)
  returns player_windows language plpgsql immutable as $$
declare
  moved bigint := at_ms / held.slice_ms - held.slice;
begin
  held.points := slid(held.points, moved);
  held.actions := slid(held.actions, moved);
  held.slice := held.slice + moved;
  if held.slice_ms <> new_slice_ms then
    held.points := sum_of(held.points) || array_fill(0::bigint, array[10]);
    held.actions := sum_of(held.actions) || array_fill(0::bigint, array[10]);
    held.slice := at_ms / new_slice_ms;
    held.slice_ms := new_slice_ms;
  end if;
  return held;
end
$$;

-- The player's window under a rule, now. The caller holds the lock of the player on the board.
create or replace function find_window(rule leaderboard_limits, player text, at_ms bigint)
  returns player_windows language plpgsql as $$
declare
  -- A rule without a window keeps the time of the last action alone; its counts are of no consequence.
  tenth bigint := (coalesce(rule.window_ms, 10000) + 9) / 10;
  held  player_windows;
begin
  select w.* into held from player_windows w
    where w.leaderboard = rule.leaderboard and w.user_id = player and w.kind = rule.kind;
  if not found then
    held := row(rule.leaderboard, player, rule.kind, null, tenth, at_ms / tenth,
                array_fill(0::bigint, array[11]), array_fill(0::bigint, array[11]))::player_windows;
  elsif held.slice > at_ms / held.slice_ms then
    -- A refused action writes nothing else: without this the window would begin now for ever.
    update player_windows w set slice = at_ms / w.slice_ms
      where w.leaderboard = rule.leaderboard and w.user_id = player and w.kind = rule.kind;
  end if;
  return window_at(held, tenth, at_ms);
end
$$;

-- Links of which only a part of the digest was read back (bytea_output = 'escape'): score finds them and seals their actions again.
create index audit_links_truncated on audit_links (seq) where octet_length(digest) < 32;
