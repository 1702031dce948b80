//! What the user named on the command line, resolved to single files and objects.

use std::path::PathBuf;
use std::sync::Arc;

use futures::TryStreamExt;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt};
use url::Url;

use crate::ingest::IngestError;

/// One file, one object or standard input.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// As errors and rejects name it.
    pub(crate) name: String,
    /// Bytes as stored, where known.
    pub(crate) size: Option<u64>,
    pub(crate) place: Place,
}

#[derive(Debug, Clone)]
pub(crate) enum Place {
    Standard,
    File(PathBuf),
    Object(Arc<dyn ObjectStore>, ObjectPath),
}

impl Source {
    /// The name without folders and endings: `{file}` of a mapping's templates.
    pub(crate) fn stem(&self) -> &str {
        let name = self.name.rsplit(['/', '\\']).next().unwrap_or_default();
        name.split('.')
            .find(|part| !part.is_empty())
            .unwrap_or("stdin")
    }
}

/// Every file that the inputs name, in their order; the files of a pattern in the order of names.
///
/// # Errors
/// An input that names nothing is an error: a mistyped path must not look like an empty import.
pub(crate) async fn expand(inputs: &[String]) -> Result<Vec<Source>, IngestError> {
    let mut sources = Vec::new();
    for input in inputs {
        let before = sources.len();
        if input == "-" {
            sources.push(Source {
                name: "-".into(),
                size: None,
                place: Place::Standard,
            });
        } else if input.contains("://") {
            sources.extend(objects(input).await?);
        } else {
            sources.extend(files(input)?);
        }
        if sources.len() == before {
            return Err(IngestError::format(input, "no file matches"));
        }
    }
    Ok(sources)
}

fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

fn files(input: &str) -> Result<Vec<Source>, IngestError> {
    let path = PathBuf::from(input);
    if path.exists() || !is_pattern(input) {
        return Ok(vec![file(path)?]);
    }
    let paths = glob::glob(input)
        .map_err(|error| IngestError::format(input, format!("not a pattern: {error}")))?;
    let mut sources = Vec::new();
    for path in paths {
        let path = path
            .map_err(|error| IngestError::io(error.path().display().to_string(), error.into()))?;
        if !path.is_dir() {
            sources.push(file(path)?);
        }
    }
    Ok(sources)
}

fn file(path: PathBuf) -> Result<Source, IngestError> {
    let name = path.display().to_string();
    let data = std::fs::metadata(&path).map_err(|error| IngestError::io(&name, error))?;
    if data.is_dir() {
        let mend = format!("is a folder; name its files, such as \"{name}/*.jsonl\"");
        return Err(IngestError::format(name, mend));
    }
    // A pipe has no size.
    let size = data.is_file().then_some(data.len());
    Ok(Source {
        name,
        size,
        place: Place::File(path),
    })
}

async fn objects(input: &str) -> Result<Vec<Source>, IngestError> {
    let fault = |error: &dyn std::fmt::Display| IngestError::format(input, error.to_string());
    let (base, pattern) = match input.find(['*', '?', '[']) {
        Some(at) => {
            let folder = input[..at].rfind('/').map_or(at, |slash| slash + 1);
            (&input[..folder], Some(input))
        }
        None => (input, None),
    };
    let url = Url::parse(base).map_err(|error| fault(&error))?;
    let settings = std::env::vars().map(|(key, value)| (key.to_ascii_lowercase(), value));
    let (store, path) =
        object_store::parse_url_opts(&url, settings).map_err(|error| fault(&error))?;
    let store: Arc<dyn ObjectStore> = Arc::from(store);
    let Some(pattern) = pattern else {
        let data = store.head(&path).await.map_err(|error| fault(&error))?;
        let place = Place::Object(store, path);
        return Ok(vec![Source {
            name: input.into(),
            size: Some(data.size),
            place,
        }]);
    };
    let pattern = glob::Pattern::new(pattern).map_err(|error| fault(&error))?;
    let mut found: Vec<_> = store
        .list(Some(&path))
        .try_collect()
        .await
        .map_err(|error| fault(&error))?;
    found.sort_by(|a, b| a.location.cmp(&b.location));
    let folder = base.trim_end_matches('/');
    let root = folder.strip_suffix(path.as_ref()).unwrap_or(folder);
    // A star stays within a folder, as it does for paths.
    let within = glob::MatchOptions {
        require_literal_separator: true,
        ..glob::MatchOptions::new()
    };
    Ok(found
        .into_iter()
        .map(|data| {
            let slash = if root.ends_with('/') { "" } else { "/" };
            let name = format!("{root}{slash}{}", data.location);
            let place = Place::Object(Arc::clone(&store), data.location);
            Source {
                name,
                size: Some(data.size),
                place,
            }
        })
        .filter(|source| pattern.matches_with(&source.name, within))
        .collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::{expand, files};

    #[test]
    fn patterns_come_sorted_and_missing_files_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.jsonl", "a.jsonl", "c.txt"] {
            std::fs::write(folder.path().join(name), "{}").unwrap();
        }
        let found = files(&format!("{}/*.jsonl", folder.path().display())).unwrap();
        let names: Vec<_> = found
            .iter()
            .map(|source| source.stem().to_string())
            .collect();
        assert_eq!(names, ["a", "b"]);
        assert!(files(&folder.path().display().to_string()).is_err());
        assert!(files("/nowhere/at/all.jsonl").is_err());
    }

    #[tokio::test]
    async fn a_pattern_without_a_match_is_an_error() {
        let error = expand(&["/nowhere/*.jsonl".to_string()]).await.unwrap_err();
        assert_eq!(error.to_string(), "/nowhere/*.jsonl: no file matches");
    }

    #[tokio::test]
    async fn file_addresses_are_listed() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.jsonl", "a.jsonl", "c.txt"] {
            std::fs::write(folder.path().join(name), "{}").unwrap();
        }
        let root = folder.path().display();
        std::fs::create_dir(folder.path().join("deeper")).unwrap();
        std::fs::write(folder.path().join("deeper/d.jsonl"), "{}").unwrap();
        let found = expand(&[format!("file://{root}/*.jsonl")]).await.unwrap();
        let names: Vec<_> = found.iter().map(|source| source.name.clone()).collect();
        assert_eq!(
            names,
            [
                format!("file://{root}/a.jsonl"),
                format!("file://{root}/b.jsonl")
            ]
        );
        let found = expand(&[format!("file://{root}/c.txt")]).await.unwrap();
        assert_eq!(found[0].size, Some(2));
    }
}
