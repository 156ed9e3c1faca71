//! Units that share a commit: what each of them is told, and what is there afterwards.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::{ConnectOptions, Database, DatabaseConnection};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{SqliteUnit, Writer};
use crate::error::StoreError;
use crate::sql::Sql;

/// A table of numbers in a file, its one writer, and a reader beside it.
struct Numbers {
    writer: Writer,
    reader: DatabaseConnection,
    folder: PathBuf,
}

impl Drop for Numbers {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

impl Numbers {
    async fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("recourse-group-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let url = format!("sqlite:{}?mode=rwc", folder.join("numbers.db").display());
        let connect = || {
            let mut options = ConnectOptions::new(url.clone());
            options.max_connections(1).test_before_acquire(false).sqlx_logging(false);
            options.map_sqlx_sqlite_opts(|sqlite| sqlite.pragma("journal_mode", "WAL").foreign_keys(true));
            Database::connect(options)
        };
        let (writer, reader) = (connect().await.unwrap(), connect().await.unwrap());
        for table in [
            "CREATE TABLE number (n INTEGER PRIMARY KEY)",
            "CREATE TABLE half (of INTEGER NOT NULL REFERENCES number (n) DEFERRABLE INITIALLY DEFERRED)",
        ] {
            Sql::new(table).execute(&writer).await.unwrap();
        }
        let mut writer = Writer::new(writer.get_sqlite_connection_pool().clone());
        // However busy the machine is.
        writer.longest = Duration::from_secs(60);
        Self { writer, reader, folder }
    }

    /// What everybody sees.
    async fn seen(&self) -> Vec<i64> {
        let rows = Sql::new("SELECT n FROM number ORDER BY n").all(&self.reader).await.unwrap();
        rows.iter().map(|row| row.get("n").unwrap()).collect()
    }

    /// A unit that has written a number.
    async fn wrote(&self, n: i64) -> SqliteUnit {
        let unit = SqliteUnit::writing(&self.writer).await.unwrap();
        run(&unit, "INSERT INTO number (n) VALUES (?)", n).await.unwrap();
        unit
    }

    /// A unit that waits for the place, and is given out once it has written a number.
    async fn waits(&self, n: i64) -> JoinHandle<SqliteUnit> {
        let writer = self.writer.clone();
        let (asks, asked) = oneshot::channel();
        let unit = tokio::spawn(async move {
            asks.send(()).unwrap();
            let unit = SqliteUnit::writing(&writer).await.unwrap();
            run(&unit, "INSERT INTO number (n) VALUES (?)", n).await.unwrap();
            unit
        });
        asked.await.unwrap();
        tokio::time::sleep(Duration::from_millis(2)).await;
        unit
    }

    /// One unit that has ended well and waits for its commit, and one in the same transaction that has written 2.
    async fn one_ended_and_one_open(&self) -> (JoinHandle<Result<(), StoreError>>, SqliteUnit) {
        let first = self.wrote(1).await;
        let second = self.waits(2).await;
        let first = tokio::spawn(async move { first.commit().await });
        (first, second.await.unwrap())
    }
}

async fn run(unit: &SqliteUnit, text: &str, n: i64) -> Result<u64, StoreError> {
    unit.write(Sql::one_after_another([], Sql::new(text).bind(n))).await
}

#[tokio::test]
async fn who_is_alone_commits_at_once() {
    let numbers = Numbers::new("alone").await;
    assert_eq!(numbers.wrote(1).await.commit().await, Ok(()));
    assert_eq!(numbers.seen().await, [1]);
}

#[tokio::test]
async fn nobody_is_told_before_all_have_committed() {
    let numbers = Numbers::new("told").await;
    let (first, second) = numbers.one_ended_and_one_open().await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!first.is_finished() && numbers.seen().await.is_empty());
    assert_eq!(second.commit().await, Ok(()));
    assert_eq!(numbers.seen().await, [1, 2]);
    assert_eq!(first.await.unwrap(), Ok(()));
}

#[tokio::test]
async fn who_is_refused_takes_nobody_along() {
    let numbers = Numbers::new("refused").await;
    let (first, second) = numbers.one_ended_and_one_open().await;
    assert!(matches!(
        run(&second, "INSERT INTO number (n) VALUES (?)", 1).await,
        Err(StoreError::AlreadyExists { .. })
    ));
    assert_eq!(second.rollback().await, Ok(()));
    // What it was refused by stands by then.
    assert_eq!(numbers.seen().await, [1]);
    assert_eq!(first.await.unwrap(), Ok(()));
}

#[tokio::test]
async fn who_hangs_up_in_the_middle_takes_nobody_along() {
    let numbers = Numbers::new("middle").await;
    let (first, second) = numbers.one_ended_and_one_open().await;
    drop(second);
    assert_eq!(first.await.unwrap(), Ok(()));
    assert_eq!(numbers.seen().await, [1]);
    assert_eq!(numbers.wrote(3).await.commit().await, Ok(()));
}

#[tokio::test]
async fn who_hangs_up_after_the_end_has_written_all_the_same() {
    let numbers = Numbers::new("after").await;
    let (first, second) = numbers.one_ended_and_one_open().await;
    tokio::task::yield_now().await;
    first.abort();
    assert_eq!(second.commit().await, Ok(()));
    assert_eq!(numbers.seen().await, [1, 2]);
}

#[tokio::test]
async fn what_was_left_open_for_somebody_who_has_gone_is_closed() {
    let numbers = Numbers::new("gone").await;
    let first = numbers.wrote(1).await;
    let second = numbers.waits(2).await;
    // It has been counted as waiting, and goes as soon as the first has left its transaction open.
    let ended = tokio::spawn(async move { first.commit().await });
    second.abort();
    let ended = tokio::time::timeout(Duration::from_secs(2), ended).await.expect("somebody closes it");
    assert_eq!(ended.unwrap(), Ok(()));
    assert!(numbers.seen().await.starts_with(&[1]));
    assert_eq!(numbers.wrote(3).await.commit().await, Ok(()));
}

#[tokio::test]
async fn a_commit_that_fails_is_told_to_all_and_leaves_nothing() {
    let numbers = Numbers::new("fails").await;
    let (first, second) = numbers.one_ended_and_one_open().await;
    run(&second, "INSERT INTO half (of) VALUES (?)", 8).await.unwrap();
    assert!(matches!(second.commit().await, Err(StoreError::Reference(_))));
    assert!(matches!(first.await.unwrap(), Err(StoreError::Reference(_))));
    assert!(numbers.seen().await.is_empty());
    assert_eq!(numbers.wrote(1).await.commit().await, Ok(()), "the next begins afresh");
}

#[tokio::test]
async fn a_transaction_that_the_database_gave_up_is_told_to_all() {
    for ends_well in [true, false] {
        let numbers = Numbers::new(if ends_well { "given-up" } else { "given-up-too" }).await;
        let (first, second) = numbers.one_ended_and_one_open().await;
        // As SQLite does by itself when the disk is full.
        run(&second, "ROLLBACK", 0).await.unwrap();
        let told = if ends_well { second.commit().await } else { second.rollback().await };
        assert!(told.is_err(), "{told:?}");
        assert!(first.await.unwrap().is_err());
        assert!(numbers.seen().await.is_empty());
        assert_eq!(numbers.wrote(3).await.commit().await, Ok(()), "the next begins afresh");
        assert_eq!(numbers.seen().await, [3]);
    }
}

#[tokio::test]
async fn a_unit_that_only_reads_in_a_shared_transaction_waits_for_what_it_read() {
    let numbers = Numbers::new("reads").await;
    let first = numbers.wrote(1).await;
    let (writer, (asks, asked)) = (numbers.writer.clone(), oneshot::channel());
    let second = tokio::spawn(async move {
        asks.send(()).unwrap();
        let unit = SqliteUnit::writing(&writer).await.unwrap();
        let found = unit.rows(Sql::one_after_another([], Sql::new("SELECT n FROM number")), false).await;
        (found.unwrap().len(), unit.commit().await)
    });
    asked.await.unwrap();
    tokio::time::sleep(Duration::from_millis(2)).await;
    let (ended, (found, told)) = tokio::join!(first.commit(), async { second.await.unwrap() });
    assert_eq!((ended, found, told), (Ok(()), 1, Ok(())));
}

#[test]
fn a_runtime_that_ends_with_units_in_the_middle_ends() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let numbers = runtime.block_on(Numbers::new("shut-down"));
    let begun = runtime.block_on(numbers.wrote(1));
    runtime.spawn(async move {
        let _held = begun;
        std::future::pending::<()>().await;
    });
    std::thread::sleep(Duration::from_millis(20));
    drop(runtime);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_at_once_are_each_told_the_truth() {
    let numbers = Arc::new(Numbers::new("many").await);
    let tasks: Vec<_> = (0..400_i64)
        .map(|n| {
            let numbers = Arc::clone(&numbers);
            tokio::spawn(async move {
                let unit = numbers.wrote(n).await;
                match n % 4 {
                    // Refused, given up in the middle, gone while it waits for its commit.
                    0 => unit.rollback().await.map(|()| None),
                    1 => Ok(None),
                    2 => match tokio::time::timeout(Duration::from_micros(u64::try_from(n).unwrap()), unit.commit())
                        .await
                    {
                        Ok(done) => done.map(|()| Some(n)),
                        Err(_) => Ok(None),
                    },
                    _ => {
                        unit.commit().await?;
                        // Who is told so finds it.
                        assert!(numbers.seen().await.contains(&n), "{n}");
                        Ok(Some(n))
                    }
                }
            })
        })
        .collect();
    let mut told = Vec::new();
    for task in tasks {
        told.extend(task.await.unwrap().unwrap());
    }
    // Who hung up while it waited may or may not have written; nobody else but those who were told so has.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let seen = numbers.seen().await;
    assert!(told.iter().all(|n| seen.contains(n)));
    assert!(seen.iter().all(|n| told.contains(n) || n % 4 == 2), "{seen:?}");
    assert!(told.len() >= 100);
}
