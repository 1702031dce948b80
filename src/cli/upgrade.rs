//! `verbatim upgrade` and `verbatim maintain`: the lake itself.

use super::{Failure, LakeArgument};
use crate::lake::{Lake, LakeOptions, upgrade};

/// Bring a lake of an older version up to date
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  verbatim upgrade --lake s3://bucket/lake

Tables get the columns that they lack; no file is rewritten. It is safe to repeat.")]
pub(super) struct Upgrade {
    #[command(flatten)]
    lake: LakeArgument,
}

impl Upgrade {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let done = upgrade(
            &self.lake.lake,
            LakeOptions {
                create: false,
                ..LakeOptions::default()
            },
        );
        let done = done.await?;
        for column in &done.columns {
            println!("added {column}");
        }
        println!("schema version {} (was {})", done.to, done.from);
        Ok(())
    }
}

/// Compact a lake's tables now and remove what no version of them needs
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  verbatim maintain

The server and every import do the same in the background as it becomes due. Files that have been
replaced stay for an hour, for the queries that still read them.")]
pub(super) struct Maintain {
    #[command(flatten)]
    lake: LakeArgument,
}

impl Maintain {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let options = LakeOptions {
            create: false,
            ..LakeOptions::default()
        };
        let lake = Lake::open(&self.lake.lake, options).await?;
        let mut before = Vec::new();
        for table in lake.tables() {
            before.push(table.snapshot().await?.files().len());
        }
        lake.maintain().await?;
        for (table, before) in lake.tables().zip(before) {
            let after = table.snapshot().await?.files().len();
            if before != after {
                println!("{}: {before} files are now {after}", table.name());
            }
        }
        lake.close().await?;
        Ok(())
    }
}
