//! Where a test's lake is.

use std::sync::Arc;

use verbatim::lake::{Lake, LakeOptions};

/// A place for one lake, gone with this value.
pub struct Place {
    pub url: String,
    pub options: LakeOptions,
    _folder: Option<tempfile::TempDir>,
}

impl Place {
    pub fn memory() -> Place {
        let url = format!("memory://{}/lake", uuid());
        Place {
            url,
            options: LakeOptions::default(),
            _folder: None,
        }
    }

    pub fn folder() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let url = folder.path().join("a lake").to_str().unwrap().to_string();
        Place {
            url,
            options: LakeOptions::default(),
            _folder: Some(folder),
        }
    }

    pub async fn s3() -> Place {
        let endpoint = super::s3::serve().await;
        let storage = [
            ("aws_endpoint", endpoint.as_str()),
            ("aws_allow_http", "true"),
            ("aws_access_key_id", "test"),
            ("aws_secret_access_key", "secret"),
            ("aws_region", "us-east-1"),
        ];
        let storage = storage
            .map(|(key, value)| (key.to_string(), value.to_string()))
            .into();
        let options = LakeOptions {
            storage,
            ..LakeOptions::default()
        };
        Place {
            url: format!("s3://bucket-{}/a/lake", uuid()),
            options,
            _folder: None,
        }
    }

    pub async fn open(&self) -> Arc<Lake> {
        self.open_with(|_| {}).await
    }

    pub async fn open_with(&self, change: impl FnOnce(&mut LakeOptions)) -> Arc<Lake> {
        let mut options = self.options.clone();
        change(&mut options);
        Lake::open(&self.url, options).await.unwrap()
    }
}

pub fn uuid() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// Runs a test body over every kind of place.
macro_rules! everywhere {
    ($($body:ident),* $(,)?) => {
        mod memory {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $body() {
                super::$body($crate::lake::place::Place::memory()).await;
            })*
        }
        mod folder {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $body() {
                super::$body($crate::lake::place::Place::folder()).await;
            })*
        }
        mod s3 {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $body() {
                super::$body($crate::lake::place::Place::s3().await).await;
            })*
        }
    };
}
pub(crate) use everywhere;
