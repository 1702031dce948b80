//! Lakes of other schema versions, and columns that old files do not have.

use std::sync::Arc;

use deltalake_core::kernel::engine::arrow_conversion::TryIntoKernel as _;
use deltalake_core::operations::create::CreateBuilder;
use deltalake_core::schema::StructType;
use object_store::{ObjectStore as _, ObjectStoreExt as _};
use verbatim::catalog::SCHEMA_VERSION;
use verbatim::lake::{Lake, LakeError, LakeOptions, Store, built_in_tables, upgrade};

use super::failing::{Failing, Mode};
use super::place::{Place, everywhere};
use super::rows::{append, messages, query};

everywhere!(a_lake_of_another_version_is_refused);

async fn set_version(place: &Place, version: u32) {
    let store = Store::open(&place.url, &place.options.storage, None).unwrap();
    let folder = store.path("_verbatim/catalog").unwrap();
    let listed: Vec<_> = futures::TryStreamExt::try_collect(store.root().list(Some(&folder)))
        .await
        .unwrap();
    let path = listed.into_iter().map(|meta| meta.location).max().unwrap();
    let bytes = store
        .root()
        .get(&path)
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    let mut document: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    document["schema_version"] = version.into();
    let bytes = serde_json::to_vec(&document).unwrap();
    store.root().put(&path, bytes.into()).await.unwrap();
}

async fn a_lake_of_another_version_is_refused(place: Place) {
    place.open().await.close().await.unwrap();
    set_version(&place, SCHEMA_VERSION + 1).await;
    let newer = Lake::open(&place.url, place.options.clone())
        .await
        .unwrap_err();
    assert!(
        newer.to_string().contains("use a newer verbatim"),
        "{newer}"
    );
    let refused = upgrade(&place.url, place.options.clone()).await;
    assert!(matches!(refused, Err(LakeError::SchemaVersion { .. })));
    set_version(&place, SCHEMA_VERSION - 1).await;
    let older = Lake::open(&place.url, place.options.clone())
        .await
        .unwrap_err();
    assert!(
        older.to_string().contains("run `verbatim upgrade`"),
        "{older}"
    );
    let upgraded = upgrade(&place.url, place.options.clone()).await.unwrap();
    assert_eq!(
        (upgraded.from, upgraded.to),
        (SCHEMA_VERSION - 1, SCHEMA_VERSION)
    );
    assert!(upgraded.columns.is_empty());
    place.open().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_files_read_as_null_in_new_columns() {
    let place = Place::folder();
    let lake = place.open().await;
    lake.append(append(vec![("messages", messages("c", 0, 2))]))
        .await
        .unwrap();
    lake.close().await.unwrap();
    // The table as it was before `churn_risk`: its log and its one file lack the column.
    let folder = std::path::Path::new(&place.url).join("messages");
    let old = folder.with_file_name("old");
    std::fs::rename(&folder, &old).unwrap();
    std::fs::create_dir(&folder).unwrap();
    let definition = &built_in_tables().unwrap()[0];
    let column = definition.columns.index_of("churn_risk").unwrap();
    let kept: Vec<usize> = (0..definition.columns.fields().len())
        .filter(|&index| index != column)
        .collect();
    let schema = definition.columns.project(&kept).unwrap();
    let columns: StructType = (&schema).try_into_kernel().unwrap();
    let url = url::Url::from_directory_path(&folder).unwrap();
    CreateBuilder::new()
        .with_location(url.as_str())
        .with_columns(columns.fields().cloned())
        .await
        .unwrap();
    let entry = std::fs::read_to_string(old.join("_delta_log/00000000000000000001.json")).unwrap();
    std::fs::write(folder.join("_delta_log/00000000000000000001.json"), entry).unwrap();
    for file in std::fs::read_dir(&old).unwrap().map(Result::unwrap) {
        let name = file.file_name().into_string().unwrap();
        if name.ends_with(".parquet") {
            without_column(&file.path(), &folder.join(&name), &kept);
            let size = std::fs::metadata(folder.join(&name)).unwrap().len();
            let log = folder.join("_delta_log/00000000000000000001.json");
            let entry = std::fs::read_to_string(&log).unwrap();
            let start = entry.find("\"size\":").unwrap() + 7;
            let end = start + entry[start..].find(',').unwrap();
            std::fs::write(log, format!("{}{size}{}", &entry[..start], &entry[end..])).unwrap();
        }
    }
    set_version(&place, SCHEMA_VERSION - 1).await;
    let upgraded = upgrade(&place.url, LakeOptions::default()).await.unwrap();
    assert_eq!(upgraded.columns, ["messages.churn_risk"]);
    let lake = place.open().await;
    lake.append(append(vec![("messages", messages("c", 2, 1))]))
        .await
        .unwrap();
    let sql = "SELECT message_id, text, churn_risk IS NULL FROM messages ORDER BY 1";
    let found = query(&lake, sql).await;
    assert_eq!(found.len(), 3);
    assert_eq!(found[0], "m0|words of turn 0|true");
    lake.maintain().await.unwrap();
    assert_eq!(query(&lake, sql).await, found);
}

/// Somebody writes between the look at the table and its new columns.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upgrade_goes_on_beside_writes() {
    let mut place = Place::memory();
    let lake = place.open().await;
    lake.append(append(vec![("messages", messages("c", 0, 2))]))
        .await
        .unwrap();
    lake.close().await.unwrap();
    // The table as it was before `churn_risk`.
    let store = Store::open(&place.url, &place.options.storage, None).unwrap();
    let first = store.path("messages/_delta_log/00000000000000000000.json");
    let first = first.unwrap();
    let entry = store.get(&first).await.unwrap().unwrap();
    let lines = std::str::from_utf8(&entry).unwrap().lines().map(|line| {
        let mut action: serde_json::Value = serde_json::from_str(line).unwrap();
        if let Some(schema) = action["metaData"]["schemaString"].as_str() {
            let mut schema: serde_json::Value = serde_json::from_str(schema).unwrap();
            let fields = schema["fields"].as_array_mut().unwrap();
            fields.retain(|field| field["name"] != "churn_risk");
            action["metaData"]["schemaString"] = schema.to_string().into();
        }
        action
            .as_object_mut()
            .unwrap()
            .retain(|_, value| !value.is_null());
        action.to_string()
    });
    let entry = lines.collect::<Vec<_>>().join("\n");
    store.root().put(&first, entry.into()).await.unwrap();
    set_version(&place, SCHEMA_VERSION - 1).await;
    let overtaken = Failing::new(Arc::clone(store.root()), 0, Mode::Overtaken);
    let overtaken = Arc::new(overtaken);
    place.options.store = Some(Arc::clone(&overtaken) as _);
    let upgraded = upgrade(&place.url, place.options.clone()).await.unwrap();
    assert_eq!(upgraded.columns, ["messages.churn_risk"]);
    assert!(overtaken.late.lock().is_some(), "nobody was faster");
}

/// Copies a Parquet file with some of its columns.
fn without_column(from: &std::path::Path, to: &std::path::Path, kept: &[usize]) {
    use datafusion::parquet::arrow::ArrowWriter;
    use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    let file = std::fs::File::open(from).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let schema = Arc::new(reader.schema().project(kept).unwrap());
    let to = std::fs::File::create(to).unwrap();
    let mut writer = ArrowWriter::try_new(to, schema, None).unwrap();
    for batch in reader.build().unwrap() {
        writer
            .write(&batch.unwrap().project(kept).unwrap())
            .unwrap();
    }
    writer.close().unwrap();
}
