//! Catalog tables whose rows are made when they are read.

use std::sync::{Arc, OnceLock, Weak};

use async_trait::async_trait;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::{CatalogProvider, Session, TableProvider};
use datafusion::datasource::{MemTable, TableType};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::{ExecutionPlan, collect};

use super::functions::Function;
use super::rows::{self, Row};
use crate::lake::Lake;

/// Where the rows come from.
#[derive(Debug)]
pub(super) struct Source {
    /// Weak: the catalog holds the schema that holds this.
    pub(super) catalog: Weak<dyn CatalogProvider>,
    pub(super) lake: Arc<Lake>,
    functions: OnceLock<Vec<Function>>,
}

impl Source {
    pub(super) fn new(catalog: &Arc<dyn CatalogProvider>, lake: &Arc<Lake>) -> Source {
        Source {
            catalog: Arc::downgrade(catalog),
            lake: lake.clone(),
            functions: OnceLock::new(),
        }
    }

    pub(super) fn set_functions(&self, functions: Vec<Function>) {
        // A second call would bring the same.
        let _ = self.functions.set(functions);
    }

    /// The functions beyond those of DataFusion.
    pub(super) fn functions(&self) -> &[Function] {
        self.functions.get().map_or(&[], Vec::as_slice)
    }
}

/// The catalogs that are filled here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    Attribute,
    Class,
    Database,
    Description,
    Namespace,
    Proc,
    Roles,
    Tables,
    User,
    Views,
}

impl Content {
    pub(super) const ALL: [Content; 10] = [
        Content::Attribute,
        Content::Class,
        Content::Database,
        Content::Description,
        Content::Namespace,
        Content::Proc,
        Content::Roles,
        Content::Tables,
        Content::User,
        Content::Views,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Content::Attribute => "pg_attribute",
            Content::Class => "pg_class",
            Content::Database => "pg_database",
            Content::Description => "pg_description",
            Content::Namespace => "pg_namespace",
            Content::Proc => "pg_proc",
            Content::Roles => "pg_roles",
            Content::Tables => "pg_tables",
            Content::User => "pg_user",
            Content::Views => "pg_views",
        }
    }

    pub(super) fn of(name: &str) -> Option<Content> {
        Content::ALL
            .into_iter()
            .find(|content| content.name() == name)
    }

    /// Columns that the shipped table lacks.
    fn more_columns(self) -> Vec<Field> {
        let names = Field::new_list_field(DataType::Utf8, true);
        let names = DataType::List(Arc::new(names));
        let flag = |name| Field::new(name, DataType::Boolean, true);
        let text = |name| Field::new(name, DataType::Utf8, true);
        let number = |name| Field::new(name, DataType::Int32, true);
        match self {
            Content::Class => vec![
                Field::new("relacl", names.clone(), true),
                Field::new("reloptions", names, true),
            ],
            Content::User => vec![
                text("usename"),
                number("usesysid"),
                flag("usecreatedb"),
                flag("usesuper"),
                flag("userepl"),
                flag("usebypassrls"),
                text("passwd"),
                text("valuntil"),
                text("useconfig"),
            ],
            _ => Vec::new(),
        }
    }
}

/// One of the catalogs of [`Content`].
#[derive(Debug)]
pub(super) struct CatalogTable {
    content: Content,
    schema: SchemaRef,
    shipped: Option<Arc<dyn TableProvider>>,
    source: Arc<Source>,
}

impl CatalogTable {
    /// With the columns of the shipped table of that name, if there is one.
    pub(super) fn new(
        content: Content,
        shipped: Option<Arc<dyn TableProvider>>,
        source: Arc<Source>,
    ) -> CatalogTable {
        let mut fields: Vec<Arc<Field>> = shipped
            .as_ref()
            .map(|table| table.schema().fields().iter().cloned().collect())
            .unwrap_or_default();
        for field in content.more_columns() {
            if !fields.iter().any(|known| known.name() == field.name()) {
                fields.push(Arc::new(field));
            }
        }
        CatalogTable {
            content,
            schema: Arc::new(Schema::new(fields)),
            shipped,
            source,
        }
    }

    async fn rows(&self) -> Vec<Row> {
        let source = &self.source;
        match self.content {
            Content::Attribute => rows::attributes(source).await,
            Content::Class => rows::classes(source).await,
            Content::Database => rows::databases(),
            Content::Description => rows::descriptions(source).await,
            Content::Namespace => rows::namespaces(),
            Content::Proc => rows::functions(source),
            Content::Roles => rows::roles(source),
            Content::Tables => rows::tables(source).await,
            Content::User => rows::users(source),
            Content::Views => rows::views(source).await,
        }
    }
}

#[async_trait]
impl TableProvider for CatalogTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut batches = Vec::new();
        // PostgreSQL's own functions stay listed beside ours.
        if let (Content::Proc, Some(shipped)) = (self.content, &self.shipped) {
            let plan = shipped.scan(state, None, &[], None).await?;
            for batch in collect(plan, state.task_ctx()).await? {
                let columns = batch.columns().to_vec();
                batches.push(
                    datafusion::arrow::array::RecordBatch::try_new(self.schema.clone(), columns)
                        .map_err(DataFusionError::from)?,
                );
            }
        }
        batches.push(rows::batch(&self.schema, &self.rows().await)?);
        let table = MemTable::try_new(self.schema.clone(), vec![batches])?;
        table.scan(state, projection, &[], limit).await
    }
}
