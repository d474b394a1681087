# Transactions in rollback and write-ahead mode: journals, locks, shared memory.
set -e
for mode in delete wal; do
    rm -f /tmp/test.db*
    sqlite3 /tmp/test.db "pragma journal_mode=$mode; create table t(n integer primary key, s text);
        with recursive c(n) as (select 1 union all select n + 1 from c where n < 3000)
        insert into t select n, 'row ' || n from c;
        begin; delete from t where n % 3 = 0; rollback;
        begin; delete from t where n % 2 = 0; commit;
        select count(*), sum(n) from t; pragma integrity_check;"
done
