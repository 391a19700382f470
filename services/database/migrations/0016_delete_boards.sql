-- Deletes a board that never had a score. Runs as the owner: the score service itself may delete no board, so it can't delete one
-- that has scores. Returns false if there is no such board.
create function delete_unused_board(board text) returns boolean language plpgsql security definer as $$
begin
  delete from boards where name = board and not has_scores;
  return found;
end
$$;

do $$
begin
  execute format('alter function delete_unused_board(text) set search_path = %I, pg_temp', current_schema());
end
$$;
