//! An S3 server in this process: objects in memory, conditional puts under one lock.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use futures::TryStreamExt as _;
use hyper::server::conn::http1::Builder;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use s3s::auth::SimpleAuth;
use s3s::dto::*;
use s3s::service::S3ServiceBuilder;
use s3s::{Body, S3, S3Request, S3Response, S3Result, s3_error};
use tokio::net::TcpListener;

#[derive(Clone)]
struct Stored {
    bytes: Bytes,
    tag: u64,
    modified: SystemTime,
}

#[derive(Default, Clone)]
struct Memory {
    objects: Arc<Mutex<(u64, BTreeMap<String, Stored>)>>,
}

impl Stored {
    fn e_tag(&self) -> Option<ETag> {
        Some(ETag::Strong(self.tag.to_string()))
    }
}

impl Memory {
    fn find(&self, key: &str) -> S3Result<Stored> {
        self.objects
            .lock()
            .1
            .get(key)
            .cloned()
            .ok_or_else(|| s3_error!(NoSuchKey))
    }
}

#[async_trait::async_trait]
impl S3 for Memory {
    async fn put_object(
        &self,
        request: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let input = request.input;
        // The whole body first: an answer before its end would break the connection.
        let mut bytes = Vec::new();
        if let Some(mut body) = input.body {
            while let Some(part) = body
                .try_next()
                .await
                .map_err(|_| s3_error!(IncompleteBody))?
            {
                bytes.extend_from_slice(&part);
            }
        }
        let mut objects = self.objects.lock();
        let found = objects.1.get(&input.key);
        let refused = match (&input.if_none_match, &input.if_match) {
            (Some(_), _) => found.is_some(),
            (None, Some(ETagCondition::ETag(tag))) => {
                found.and_then(Stored::e_tag).as_ref() != Some(tag)
            }
            (None, Some(_)) => found.is_none(),
            (None, None) => false,
        };
        if refused {
            return Err(s3_error!(PreconditionFailed));
        }
        objects.0 += 1;
        let tag = objects.0;
        let stored = Stored {
            bytes: bytes.into(),
            tag,
            modified: SystemTime::now(),
        };
        let e_tag = stored.e_tag();
        objects.1.insert(input.key, stored);
        Ok(S3Response::new(PutObjectOutput {
            e_tag,
            ..Default::default()
        }))
    }

    async fn get_object(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let stored = self.find(&request.input.key)?;
        let length = stored.bytes.len() as u64;
        let mut output = GetObjectOutput {
            e_tag: stored.e_tag(),
            last_modified: Some(stored.modified.into()),
            ..Default::default()
        };
        let bytes = match request.input.range {
            Some(range) => {
                let range = range.check(length).map_err(|_| s3_error!(InvalidRange))?;
                let (start, end) = (range.start, range.end);
                output.content_range = Some(format!("bytes {start}-{}/{length}", end - 1));
                stored.bytes.slice(start as usize..end as usize)
            }
            None => stored.bytes.clone(),
        };
        output.content_length = Some(bytes.len() as i64);
        output.body = Some(StreamingBlob::from(Body::from(bytes)));
        Ok(S3Response::new(output))
    }

    async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let stored = self.find(&request.input.key)?;
        Ok(S3Response::new(HeadObjectOutput {
            content_length: Some(stored.bytes.len() as i64),
            e_tag: stored.e_tag(),
            last_modified: Some(stored.modified.into()),
            ..Default::default()
        }))
    }

    async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        self.objects.lock().1.remove(&request.input.key);
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let mut deleted = Vec::new();
        for object in request.input.delete.objects {
            self.objects.lock().1.remove(&object.key);
            deleted.push(DeletedObject {
                key: Some(object.key),
                ..Default::default()
            });
        }
        let output = DeleteObjectsOutput {
            deleted: Some(deleted),
            ..Default::default()
        };
        Ok(S3Response::new(output))
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = request.input;
        let prefix = input.prefix.clone().unwrap_or_default();
        let after = input
            .continuation_token
            .or(input.start_after)
            .unwrap_or_default();
        // Small pages, so that their seams are exercised.
        let page = 50;
        let mut contents = Vec::new();
        let mut folders: Vec<String> = Vec::new();
        let mut next = None;
        for (key, stored) in self.objects.lock().1.iter() {
            let Some(rest) = key.strip_prefix(&prefix) else {
                continue;
            };
            if *key <= after {
                continue;
            }
            if let Some(delimiter) = &input.delimiter
                && let Some((folder, _)) = rest.split_once(delimiter.as_str())
            {
                let folder = format!("{prefix}{folder}{delimiter}");
                if folders.last() != Some(&folder) {
                    folders.push(folder);
                }
                continue;
            }
            if contents.len() == page {
                next = contents
                    .last()
                    .and_then(|object: &Object| object.key.clone());
                break;
            }
            contents.push(Object {
                key: Some(key.clone()),
                size: Some(stored.bytes.len() as i64),
                e_tag: stored.e_tag(),
                last_modified: Some(stored.modified.into()),
                ..Default::default()
            });
        }
        let prefixes = folders.into_iter().map(|prefix| CommonPrefix {
            prefix: Some(prefix),
        });
        Ok(S3Response::new(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: Some(prefix),
            key_count: Some(contents.len() as i32),
            is_truncated: Some(next.is_some()),
            next_continuation_token: next,
            contents: Some(contents),
            common_prefixes: Some(prefixes.collect()),
            ..Default::default()
        }))
    }
}

/// Starts a server; it ends with the test's runtime. Returns its address.
pub async fn serve() -> String {
    let mut builder = S3ServiceBuilder::new(Memory::default());
    builder.set_auth(SimpleAuth::from_single("test", "secret"));
    let service = builder.build();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                break;
            };
            let service = service.clone();
            tokio::spawn(async move {
                let _ = Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    address
}
