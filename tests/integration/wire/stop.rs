//! What stops a running statement: cancel, the time limit, a vanished client, the server's end.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_postgres::NoTls;

use super::server::{TestServer, open, run, state, value};

/// Runs for minutes when nothing stops it.
const ENDLESS: &str = "SELECT count(*) FROM generate_series(1, 100000) a(x), \
                       generate_series(1, 100000) b(y) WHERE (x * y) % 7 = 3";

/// Waits until the memory of statements is what it was before.
async fn wait_until_idle(server: &TestServer, before: usize) {
    let started = Instant::now();
    while server.engine.memory_reserved() > before {
        assert!(
            started.elapsed() < Duration::from_secs(5),
            "the statement still holds memory"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[test]
fn a_cancel_request_ends_the_statement_and_only_it() {
    run(async {
        let server = TestServer::start().await;
        let before = server.engine.memory_reserved();
        let client = server.client().await;
        let token = client.cancel_token();
        // A request that comes while nothing runs has no effect on what comes later.
        token.cancel_query(NoTls).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(value(&client, "SELECT 1").await, "1");

        let started = Instant::now();
        let (outcome, ()) = tokio::join!(client.query(ENDLESS, &[]), async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            token.cancel_query(NoTls).await.unwrap();
        });
        assert_eq!(state(&outcome.unwrap_err()), "57014");
        assert!(started.elapsed() < Duration::from_millis(1_500));
        assert_eq!(value(&client, "SELECT 2").await, "2");
        wait_until_idle(&server, before).await;
    });
}

#[test]
fn the_time_limit_ends_the_statement() {
    run(async {
        let server = TestServer::start().await;
        let client = server.client().await;
        client
            .batch_execute("SET statement_timeout = '200ms'")
            .await
            .unwrap();
        let started = Instant::now();
        assert_eq!(
            state(&client.simple_query(ENDLESS).await.unwrap_err()),
            "57014"
        );
        assert_eq!(
            state(&client.query(ENDLESS, &[]).await.unwrap_err()),
            "57014"
        );
        assert!(started.elapsed() < Duration::from_secs(3));
        client
            .batch_execute("SET statement_timeout = 0")
            .await
            .unwrap();
        assert_eq!(value(&client, "SELECT 1").await, "1");
    });
}

/// Seconds of processor time that this process has used.
fn processor_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = text
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    // User and system time, in hundredths of a second.
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

/// Waits until this process does nothing. It may end what is under way; two seconds of work are a
/// statement that goes on. Processor time counts, which a busy machine does not stretch.
async fn comes_to_rest() {
    let (started, used) = (Instant::now(), processor_seconds());
    loop {
        let before = processor_seconds();
        tokio::time::sleep(Duration::from_millis(250)).await;
        let now = processor_seconds();
        assert!(now - used < 2.0, "the statement goes on");
        if now - before < 0.03 {
            return;
        }
        assert!(started.elapsed() < Duration::from_secs(20));
    }
}

#[test]
fn a_client_that_vanishes_takes_its_statement_along() {
    if !cfg!(target_os = "linux") {
        eprintln!("skipped: processor time is read from /proc");
        return;
    }
    run(async {
        let server = TestServer::start().await;
        let before = server.engine.memory_reserved();
        let mut config = server.config();
        config.application_name("vanishing");
        let (client, connection) = config.connect(NoTls).await.unwrap();
        let driver = tokio::spawn(connection);
        let query = tokio::spawn(async move { client.query(ENDLESS, &[]).await.map(|_| ()) });
        tokio::time::sleep(Duration::from_millis(500)).await;
        driver.abort();
        query.abort();
        comes_to_rest().await;
        wait_until_idle(&server, before).await;
    });
}

#[test]
fn a_client_that_vanishes_behind_a_long_pipeline_is_missed_too() {
    run(async {
        let server = TestServer::start().await;
        let mut stream = start_by_hand(&server).await;
        send_query(&mut stream, ENDLESS).await;
        // More than the server reads ahead, while the first statement runs.
        let filler = format!("SELECT '{}'", "x".repeat(1 << 20));
        let filled = tokio::time::timeout(Duration::from_millis(500), async {
            for _ in 0..3 {
                send_query(&mut stream, &filler).await;
            }
        });
        let _ = filled.await;
        drop(stream);
        comes_to_rest().await;
    });
}

/// Starts a session by hand, so that nothing reads in the background.
async fn start_by_hand(server: &TestServer) -> tokio::net::TcpStream {
    let mut stream = tokio::net::TcpStream::connect(server.address)
        .await
        .unwrap();
    let mut startup = 196_608_i32.to_be_bytes().to_vec();
    startup.extend(b"user\0slow\0database\0verbatim\0\0");
    stream.write_i32(startup.len() as i32 + 4).await.unwrap();
    stream.write_all(&startup).await.unwrap();
    stream
}

async fn send_query(stream: &mut tokio::net::TcpStream, sql: &str) {
    stream.write_u8(b'Q').await.unwrap();
    stream.write_i32(sql.len() as i32 + 5).await.unwrap();
    stream.write_all(sql.as_bytes()).await.unwrap();
    stream.write_u8(0).await.unwrap();
}

#[test]
fn a_client_that_does_not_read_holds_its_own_statement_back() {
    run(async {
        let server = TestServer::start().await;
        let mut stream = start_by_hand(&server).await;
        let sql = "SELECT repeat('x', 1000) FROM generate_series(1, 3000000)";
        send_query(&mut stream, sql).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        // Were the 3 GB of the result being gathered, a processor would be busy with it.
        comes_to_rest().await;
        // Another client is served all the same.
        assert_eq!(value(&server.client().await, "SELECT 1").await, "1");
        let mut some = vec![0; 1 << 20];
        stream.read_exact(&mut some).await.unwrap();
    });
}

#[test]
fn a_stopping_server_lets_statements_finish_and_flushes() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let mut server = TestServer::serve(open(folder.path()).await, |_| {}).await;
        let idle = server.client().await;
        let busy = server.client().await;
        let slow = "SELECT count(*) FROM generate_series(1, 5000) a(x), \
                    generate_series(1, 5000) b(y) WHERE (x * y) % 7 = 3";
        let stop = server.stop.clone();
        let (outcome, ()) = tokio::join!(busy.simple_query(slow), async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            stop.gracefully();
        });
        assert!(outcome.is_ok(), "{outcome:?}");
        let done = tokio::time::timeout(Duration::from_secs(20), &mut server.done).await;
        assert!(done.unwrap().unwrap().is_ok());
        assert!(idle.simple_query("SELECT 1").await.is_err());
        assert!(
            tokio::net::TcpStream::connect(server.address)
                .await
                .is_err()
        );
    });
}

#[test]
fn statements_beyond_the_grace_period_are_stopped() {
    run(async {
        let grace = Duration::from_millis(200);
        let mut server = TestServer::start_with(|options| options.grace = grace).await;
        let client = server.client().await;
        let stop = server.stop.clone();
        let (outcome, ()) = tokio::join!(client.query(ENDLESS, &[]), async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            stop.gracefully();
        });
        assert_eq!(state(&outcome.unwrap_err()), "57P01");
        let done = tokio::time::timeout(Duration::from_secs(5), &mut server.done).await;
        assert!(done.is_ok());
    });
}
