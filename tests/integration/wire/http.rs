//! `/healthz` and `/metrics`.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::server::{TestServer, run};

async fn get(server: &TestServer, path: &str) -> (String, String) {
    let mut stream = tokio::net::TcpStream::connect(server.http).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), body.to_owned())
}

#[test]
fn health_and_metrics() {
    run(async {
        let server = TestServer::start().await;
        let client = server.client().await;
        client
            .simple_query("SELECT generate_series FROM generate_series(1, 5)")
            .await
            .ok();
        client
            .simple_query("SELECT value FROM generate_series(1, 5)")
            .await
            .ok();
        client.simple_query("SELECT 1/0").await.unwrap_err();

        let (status, body) = get(&server, "/healthz").await;
        assert_eq!(
            (status.as_str(), body.as_str()),
            ("HTTP/1.1 200 OK", "ok\n")
        );
        let (status, body) = get(&server, "/metrics").await;
        assert_eq!(status, "HTTP/1.1 200 OK");
        for line in [
            "verbatim_connections 1",
            "verbatim_statements_total{outcome=\"22012\",statement=\"SELECT\"} 1",
            "verbatim_rows_sent_total 5",
            "verbatim_lake_files{table=\"messages\"} 0",
        ] {
            assert!(
                body.lines().any(|found| found == line),
                "no {line} in\n{body}"
            );
        }
        assert!(get(&server, "/").await.0.contains("404"));
    });
}
