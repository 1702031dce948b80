//! The rows of the catalogs: only the columns that say something; the others get NULL, or zero
//! where they must not be NULL.

use std::collections::HashMap;

use datafusion::arrow::array::{RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::ScalarValue;
use datafusion::error::Result;

use super::super::{BUILT_IN_SCHEMA, DATABASE, USER_SCHEMA};
use super::oid;
use super::relations::{self, Relation};
use super::table::Source;
use crate::wire::types::{column_type, type_modifier, type_size};

/// One row: column names and values.
pub(super) type Row = HashMap<&'static str, ScalarValue>;

/// `pg_class`, to which the descriptions of relations belong.
const CLASS_OF_RELATIONS: i32 = 1259;
/// The method by which PostgreSQL keeps tables.
const HEAP: i32 = 2;

fn text(value: impl Into<String>) -> ScalarValue {
    ScalarValue::Utf8(Some(value.into()))
}

fn number(value: i32) -> ScalarValue {
    ScalarValue::Int32(Some(value))
}

fn flag(value: bool) -> ScalarValue {
    ScalarValue::Boolean(Some(value))
}

/// The rows as a batch of the table's columns.
pub(super) fn batch(schema: &SchemaRef, rows: &[Row]) -> Result<RecordBatch> {
    let columns = schema
        .fields()
        .iter()
        .map(|field| {
            let of = field.data_type();
            let absent = match field.is_nullable() {
                true => ScalarValue::try_from(of)?,
                false => ScalarValue::new_default(of)?,
            };
            if rows.is_empty() {
                return Ok(datafusion::arrow::array::new_empty_array(of));
            }
            let values = rows.iter().map(|row| match row.get(field.name().as_str()) {
                Some(value) => value.cast_to(of),
                None => Ok(absent.clone()),
            });
            ScalarValue::iter_to_array(values.collect::<Result<Vec<_>>>()?)
        })
        .collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    Ok(RecordBatch::try_new_with_options(
        schema.clone(),
        columns,
        &options,
    )?)
}

/// `pg_namespace`
pub(super) fn namespaces() -> Vec<Row> {
    [
        BUILT_IN_SCHEMA,
        USER_SCHEMA,
        "pg_catalog",
        "information_schema",
    ]
    .into_iter()
    .map(|name| {
        Row::from([
            ("oid", number(oid::schema(name))),
            ("nspname", text(name)),
            ("nspowner", number(oid::user(DATABASE))),
        ])
    })
    .collect()
}

/// `pg_database`
pub(super) fn databases() -> Vec<Row> {
    vec![Row::from([
        ("oid", number(oid::of("database", DATABASE))),
        ("datname", text(DATABASE)),
        ("datdba", number(oid::user(DATABASE))),
        ("encoding", number(6)), // UTF8
        ("datlocprovider", text("c")),
        ("datcollate", text("C")),
        ("datctype", text("C.UTF-8")),
        ("datistemplate", flag(false)),
        ("datallowconn", flag(true)),
        ("datconnlimit", number(-1)),
    ])]
}

/// `pg_class`
pub(super) async fn classes(source: &Source) -> Vec<Row> {
    let relations = relations::all(&source.catalog).await;
    relations.iter().map(class).collect()
}

fn class(relation: &Relation) -> Row {
    Row::from([
        ("oid", number(relation.oid)),
        ("relname", text(relation.name.as_str())),
        ("relnamespace", number(oid::schema(relation.schema))),
        ("relowner", number(oid::user(DATABASE))),
        ("relam", number(if relation.is_view { 0 } else { HEAP })),
        (
            "relfilenode",
            number(if relation.is_view { 0 } else { relation.oid }),
        ),
        ("reltuples", ScalarValue::Float64(Some(-1.0))), // not known
        ("relpersistence", text("p")),
        ("relkind", text(if relation.is_view { "v" } else { "r" })),
        ("relnatts", number(relation.columns.fields().len() as i32)),
        ("relhasrules", flag(relation.is_view)),
        ("relispopulated", flag(true)),
        ("relreplident", text("d")),
    ])
}

/// `pg_attribute`
pub(super) async fn attributes(source: &Source) -> Vec<Row> {
    let relations = relations::all(&source.catalog).await;
    let mut rows = Vec::new();
    for relation in &relations {
        for (at, field) in relation.columns.fields().iter().enumerate() {
            let of = column_type(field);
            rows.push(Row::from([
                ("attrelid", number(relation.oid)),
                ("attname", text(field.name().as_str())),
                ("atttypid", number(of.oid() as i32)),
                ("attstattarget", number(-1)),
                ("attlen", number(i32::from(type_size(&of)))),
                ("attnum", number(at as i32 + 1)),
                ("attcacheoff", number(-1)),
                ("atttypmod", number(type_modifier(field))),
                ("attalign", text("i")),
                ("attstorage", text("p")),
                ("attnotnull", flag(!field.is_nullable())),
                ("attislocal", flag(true)),
                ("attidentity", text("")),
                ("attgenerated", text("")),
            ]));
        }
    }
    rows
}

/// `pg_description`
pub(super) async fn descriptions(source: &Source) -> Vec<Row> {
    let relations = relations::all(&source.catalog).await;
    let mut rows = Vec::new();
    for relation in relations
        .iter()
        .filter(|relation| relation.schema == BUILT_IN_SCHEMA)
    {
        let mut describe = |position, comment: &str| {
            rows.push(Row::from([
                ("objoid", number(relation.oid)),
                ("classoid", number(CLASS_OF_RELATIONS)),
                ("objsubid", number(position)),
                ("description", text(comment)),
            ]));
        };
        if let Some(comment) = relations::comment(&relation.name) {
            describe(0, comment);
        }
        for position in 1..=relation.columns.fields().len() as i32 {
            if let Some(comment) = relations::column_comment(&relation.name, position) {
                describe(position, comment);
            }
        }
    }
    rows
}

/// `pg_proc`: our functions.
pub(super) fn functions(source: &Source) -> Vec<Row> {
    source
        .functions()
        .iter()
        .map(|function| {
            Row::from([
                ("oid", number(function.oid)),
                ("proname", text(function.name.as_str())),
                ("pronamespace", number(oid::schema(BUILT_IN_SCHEMA))),
                ("proowner", number(oid::user(DATABASE))),
                ("prolang", number(12)), // internal
                ("procost", number(1)),
                ("prokind", text(function.kind)),
                ("provolatile", text("i")),
                ("proparallel", text("s")),
                ("prosrc", text(function.name.as_str())),
                ("pronargs", number(function.argument_count)),
                ("prorettype", number(function.result_oid)),
            ])
        })
        .collect()
}

/// The name of every user and whether it may do everything.
fn all_users(source: &Source) -> Vec<(String, bool)> {
    let catalog = source.lake.catalog();
    let mut users = vec![(DATABASE.to_owned(), true)];
    users.extend(
        catalog
            .users
            .iter()
            .map(|(name, user)| (name.clone(), user.superuser)),
    );
    users
}

/// `pg_roles`
pub(super) fn roles(source: &Source) -> Vec<Row> {
    all_users(source)
        .into_iter()
        .map(|(name, superuser)| {
            Row::from([
                ("oid", number(oid::user(&name))),
                ("rolname", text(name)),
                ("rolsuper", flag(superuser)),
                ("rolinherit", flag(true)),
                ("rolcreaterole", flag(superuser)),
                ("rolcreatedb", flag(false)),
                ("rolcanlogin", flag(true)),
                ("rolreplication", flag(false)),
                ("rolconnlimit", number(-1)),
                ("rolbypassrls", flag(superuser)),
            ])
        })
        .collect()
}

/// `pg_user`
pub(super) fn users(source: &Source) -> Vec<Row> {
    all_users(source)
        .into_iter()
        .map(|(name, superuser)| {
            Row::from([
                ("usesysid", number(oid::user(&name))),
                ("usename", text(name)),
                ("usecreatedb", flag(false)),
                ("usesuper", flag(superuser)),
                ("userepl", flag(false)),
                ("usebypassrls", flag(superuser)),
                ("passwd", text("********")),
            ])
        })
        .collect()
}

/// `pg_tables`
pub(super) async fn tables(source: &Source) -> Vec<Row> {
    let relations = relations::all(&source.catalog).await;
    let tables = relations.iter().filter(|relation| !relation.is_view);
    tables
        .map(|table| {
            Row::from([
                ("schemaname", text(table.schema)),
                ("tablename", text(table.name.as_str())),
                ("tableowner", text(DATABASE)),
            ])
        })
        .collect()
}

/// `pg_views`
pub(super) async fn views(source: &Source) -> Vec<Row> {
    let relations = relations::all(&source.catalog).await;
    let catalog = source.lake.catalog();
    let views = relations.iter().filter(|relation| relation.is_view);
    views
        .map(|view| {
            let definition = match view.schema == BUILT_IN_SCHEMA {
                true => crate::library::view(&view.name).map(|view| view.sql.to_owned()),
                false => catalog.views.get(&view.name).map(|view| view.sql.clone()),
            };
            Row::from([
                ("schemaname", text(view.schema)),
                ("viewname", text(view.name.as_str())),
                ("viewowner", text(DATABASE)),
                ("definition", ScalarValue::Utf8(definition)),
            ])
        })
        .collect()
}
