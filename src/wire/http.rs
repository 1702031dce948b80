//! `/healthz` and `/metrics` over HTTP, for supervisors and Prometheus.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

use super::server::Shared;

const PLAIN_TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const PROMETHEUS_TEXT: HeaderValue =
    HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// Answers requests until the server stops.
pub(super) async fn serve(server: Arc<Shared>, listener: TcpListener) {
    loop {
        let accepted = tokio::select! {
            () = server.killed.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            super::server::pause_accepting().await;
            continue;
        };
        let shared = server.clone();
        server.tasks.spawn(async move {
            let killed = shared.killed.clone();
            let service = service_fn(|request| answer(&shared, request));
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), service);
            tokio::select! {
                () = killed.cancelled() => {}
                // A client that breaks off is its own affair.
                _ = connection => {}
            }
        });
    }
}

async fn answer(
    server: &Shared,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let plain = |status, text: &'static str| respond(status, PLAIN_TEXT, Bytes::from(text));
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(plain(StatusCode::METHOD_NOT_ALLOWED, "use GET\n"));
    }
    Ok(match request.uri().path() {
        "/healthz" if server.stopping.is_cancelled() => {
            plain(StatusCode::SERVICE_UNAVAILABLE, "stopping\n")
        }
        "/healthz" => match server.engine.lake().refresh_catalog().await {
            Ok(_) => plain(StatusCode::OK, "ok\n"),
            Err(error) => respond(
                StatusCode::SERVICE_UNAVAILABLE,
                PLAIN_TEXT,
                Bytes::from(format!("the lake cannot be read: {error}\n")),
            ),
        },
        "/metrics" => match server.metrics.text(&server.engine).await {
            Ok(text) => respond(StatusCode::OK, PROMETHEUS_TEXT, Bytes::from(text)),
            Err(error) => respond(
                StatusCode::INTERNAL_SERVER_ERROR,
                PLAIN_TEXT,
                Bytes::from(format!("{error}\n")),
            ),
        },
        _ => plain(StatusCode::NOT_FOUND, "there are /healthz and /metrics\n"),
    })
}

fn respond(status: StatusCode, kind: HeaderValue, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
