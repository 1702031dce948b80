//! Planning: parameters and their types, the plan, the columns that clients see.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::sqlparser::ast::{self, Expr};

use super::parameters::{cast, null, parameter_types, plan_with_types};
use super::prepared::{Planned, Prepared};
use super::{Session, explain, late, model};
use crate::error::{Error, sqlstate};
use crate::govern;
use crate::statement::{
    self, Copy, CopyDirection, CopyRelation, Kind, Show, Statement, sql_text, strip_suffix,
};

impl Session {
    /// Plans a statement: its parameters' types, the columns of its result, its permissions.
    ///
    /// `declared` are the types that the client declared for `$1`, `$2`, …; where it declared
    /// none, the type follows from what the parameter is compared with, and is text otherwise.
    ///
    /// # Errors
    /// What is wrong with the statement; SQLSTATE 25P02 in a failed transaction.
    pub async fn prepare(
        &self,
        statement: Statement,
        declared: &[Option<DataType>],
    ) -> Result<Prepared, Error> {
        self.check_block(&statement)?;
        let limits = self.cancel.start(self.own_limit());
        let result = limits.guard(self.plan_statement(statement, declared)).await;
        if result.is_err() {
            self.mark_failed();
        }
        result
    }

    /// [`Session::prepare`] inside of a statement that runs.
    pub(super) async fn plan_statement(
        &self,
        statement: Statement,
        declared: &[Option<DataType>],
    ) -> Result<Prepared, Error> {
        let schema = match statement.kind() {
            Kind::Query(query) => {
                let (plan, parameters) = self.plan(&query.ast, declared).await?;
                let schema = self.visible_schema(&plan.logical)?;
                return Ok(Prepared::new(
                    statement,
                    parameters,
                    Some(schema),
                    Some(plan),
                ));
            }
            Kind::Write(write) => {
                let (plan, parameters) = self.plan(&write.ast, declared).await?;
                return Ok(Prepared::new(statement, parameters, None, Some(plan)));
            }
            Kind::Explain(inner) => {
                let (plan, parameters) = self.plan(&inner.ast, declared).await?;
                let schema = Some(explain::schema());
                return Ok(Prepared::new(statement, parameters, schema, Some(plan)));
            }
            Kind::Declare(declare) => {
                let Kind::Query(query) = declare.query.kind() else {
                    return Ok(Prepared::new(statement, Vec::new(), None, None));
                };
                let (plan, parameters) = self.plan(&query.ast, declared).await?;
                return Ok(Prepared::new(statement, parameters, None, Some(plan)));
            }
            Kind::Copy(copy) => {
                if copy.direction == CopyDirection::FromClient {
                    self.copy_target(copy).await?;
                    return Ok(Prepared::new(statement, Vec::new(), None, None));
                }
                let (plan, _) = self.plan(&copy_query(copy)?, &[]).await?;
                return Ok(Prepared::new(statement, Vec::new(), None, Some(plan)));
            }
            Kind::CreateView(view) => {
                self.check_view(&view.name)?;
                let (plan, _) = self.plan(&view.query.ast, &[]).await?;
                return Ok(Prepared::new(statement, Vec::new(), None, Some(plan)));
            }
            Kind::CreateModel(create) => {
                self.check_create_model(create)?;
                let plan = match &create.rows {
                    Some(rows) => Some(self.plan(&rows.query.ast, &[]).await?.0),
                    None => None,
                };
                let schema = Some(model::created_schema());
                return Ok(Prepared::new(statement, Vec::new(), schema, plan));
            }
            Kind::AlterModel(alter) => {
                self.check_alter_model(alter)?;
                Some(model::altered_schema())
            }
            Kind::EvaluateModel(evaluate) => {
                let (plan, _) = self.plan(&evaluate.query.ast, &[]).await?;
                let schema = Some(model::quality_schema());
                return Ok(Prepared::new(statement, Vec::new(), schema, Some(plan)));
            }
            Kind::Execute(execute) => self.named(execute)?.schema(),
            Kind::Fetch(fetch) if !fetch.skip => Some(self.cursor_schema(&fetch.name).await?),
            Kind::Show(show) => Some(show_schema(show)),
            _ => None,
        };
        Ok(Prepared::new(statement, Vec::new(), schema, None))
    }

    /// Plans an AST; the types of its parameters come with the plan.
    async fn plan(
        &self,
        ast: &ast::Statement,
        declared: &[Option<DataType>],
    ) -> Result<(Planned, Vec<DataType>), Error> {
        let catalog = self.engine.lake().refresh_catalog().await?;
        let state = self.state();
        let mut types: Vec<Option<DataType>> = declared.to_vec();
        let late = late::argument_parameters(ast);
        let mut shown = ast.clone();
        if let Some(most) = late.iter().max() {
            types.resize(types.len().max(*most), None);
            for number in &late {
                types[number - 1].get_or_insert(DataType::Int64);
            }
            let stand_ins: Vec<ScalarValue> = types.iter().map(late::stand_in).collect();
            late::substitute(&mut shown, &stand_ins, Some(&late))?;
        }
        let plan = plan_with_types(&state, shown.clone(), &types).await?;
        let found = parameter_types(&plan)?;
        let count = found.keys().copied().max().unwrap_or(0).max(types.len());
        types.resize(count, None);
        let mut replan = false;
        for (index, slot) in types.iter_mut().enumerate() {
            if slot.is_none() {
                *slot = found.get(&(index + 1)).cloned().flatten();
                // A type that only the cast around it tells is not in the plan yet either.
                replan = true;
                slot.get_or_insert(DataType::Utf8);
            }
        }
        let logical = match replan {
            true => plan_with_types(&state, shown, &types).await?,
            false => plan,
        };
        self.authorize(&logical)?;
        self.load_models(&logical, &catalog).await?;
        let planned = Planned {
            logical,
            ast: ast.clone(),
            late,
            catalog,
        };
        Ok((planned, types.into_iter().flatten().collect()))
    }

    /// The plan of a prepared statement with the values of its parameters, made anew where the
    /// views that it reads may have changed or a table function needs the values.
    pub(super) async fn bind(
        &self,
        prepared: &Prepared,
        values: Vec<ScalarValue>,
    ) -> Result<LogicalPlan, Error> {
        let Some(planned) = prepared.plan() else {
            return Err(Error::statement(
                sqlstate::INTERNAL_ERROR,
                "the statement was not planned",
            ));
        };
        let types = prepared.parameters();
        if values.len() != types.len() {
            return Err(Error::statement(
                sqlstate::PROTOCOL_VIOLATION,
                format!(
                    "the statement needs {} parameters, {} were given",
                    types.len(),
                    values.len()
                ),
            ));
        }
        let values = values
            .into_iter()
            .zip(types)
            .map(|(value, data_type)| match value.data_type() == *data_type {
                true => Ok(value),
                false => Ok(value.cast_to(data_type)?),
            })
            .collect::<Result<Vec<_>, Error>>()?;
        let catalog = self.engine.lake().refresh_catalog().await?;
        let logical = if planned.late.is_empty() && planned.catalog.views == catalog.views {
            planned.logical.clone()
        } else {
            let mut ast = planned.ast.clone();
            late::substitute(&mut ast, &values, Some(&planned.late))?;
            let types: Vec<Option<DataType>> = types.iter().cloned().map(Some).collect();
            let plan = plan_with_types(&self.state(), ast, &types).await?;
            // Clients keep the columns of a prepared statement.
            if let Some(schema) = prepared.schema()
                && matches!(prepared.statement().kind(), Kind::Query(_))
                && self.visible_schema(&plan)? != schema
            {
                return Err(Error::statement(
                    sqlstate::FEATURE_NOT_SUPPORTED,
                    "cached plan must not change result type",
                )
                .with_hint("A view that it reads was replaced: prepare the statement anew."));
            }
            plan
        };
        let logical = match values.is_empty() {
            true => logical,
            false => {
                let values = values.into_iter().map(Into::into).collect();
                logical.with_param_values(ParamValues::List(values))?
            }
        };
        // A model may have been replaced, or be named by a parameter.
        self.load_models(&logical, &catalog).await?;
        Ok(logical)
    }

    /// Asked before every plan is kept and again before it runs: rights may be taken away between.
    pub(super) fn authorize(&self, plan: &LogicalPlan) -> Result<(), Error> {
        govern::authorize(plan, &self.principal, &self.engine.lake().catalog())
    }

    /// The result's columns with the types that the analyser gives them and the names that clients
    /// see.
    fn visible_schema(&self, plan: &LogicalPlan) -> Result<SchemaRef, Error> {
        let state = self.state();
        let analyzed =
            state
                .analyzer()
                .execute_and_check(plan.clone(), state.config_options(), |_, _| {})?;
        Ok(visible(analyzed.schema().as_arrow()))
    }

    /// The Arrow types of declared SQL types.
    pub(super) async fn arrow_types(
        &self,
        types: &[ast::DataType],
    ) -> Result<Vec<Option<DataType>>, Error> {
        if types.is_empty() {
            return Ok(Vec::new());
        }
        let nulls = types
            .iter()
            .map(|data_type| cast(null(), data_type.clone()));
        let plan = self.plan_expressions(nulls.collect()).await?;
        let fields = plan.schema().fields();
        Ok(fields
            .iter()
            .map(|field| Some(field.data_type().clone()))
            .collect())
    }

    async fn plan_expressions(&self, expressions: Vec<Expr>) -> Result<LogicalPlan, Error> {
        let items: Vec<String> = expressions
            .iter()
            .enumerate()
            .map(|(index, expr)| format!("{} AS c{index}", sql_text(expr)))
            .collect();
        let sql = format!("SELECT {}", items.join(", "));
        let ast = statement::single_query(&sql)?;
        plan_with_types(&self.state(), ast, &[]).await
    }

    /// The values of expressions without columns, of the given types.
    pub(super) async fn evaluate(
        &self,
        expressions: &[Expr],
        types: &[DataType],
    ) -> Result<Vec<ScalarValue>, Error> {
        if expressions.is_empty() {
            return Ok(Vec::new());
        }
        let plan = self.plan_expressions(expressions.to_vec()).await?;
        let batches = self.collect(&plan).await?;
        let Some(batch) = batches.iter().find(|batch| batch.num_rows() > 0) else {
            return Ok(types.iter().map(|_| ScalarValue::Null).collect());
        };
        let columns = batch.columns().iter().zip(types);
        columns
            .map(|(column, data_type)| {
                Ok(ScalarValue::try_from_array(column, 0)?.cast_to(data_type)?)
            })
            .collect()
    }
}

/// What a COPY … TO reads, as a query.
fn copy_query(copy: &Copy) -> Result<ast::Statement, Error> {
    let (columns, object) = match &copy.relation {
        CopyRelation::Query(query) => return Ok(ast::Statement::Query(query.clone())),
        CopyRelation::Table {
            columns, object, ..
        } => (columns, object),
    };
    let quoted = |column: &String| ast::Ident::with_quote('"', column).to_string();
    let list = match columns.as_slice() {
        [] => "*".to_owned(),
        columns => columns.iter().map(quoted).collect::<Vec<_>>().join(", "),
    };
    statement::single_query(&format!("SELECT {list} FROM {object}"))
}

/// A schema with the names that clients see; a column of untyped NULLs is text, as PostgreSQL has
/// it.
pub(super) fn visible(schema: &Schema) -> SchemaRef {
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .map(|field| {
            let data_type = match field.data_type() {
                DataType::Null => DataType::Utf8,
                other => other.clone(),
            };
            field
                .as_ref()
                .clone()
                .with_name(strip_suffix(field.name()))
                .with_data_type(data_type)
                .with_nullable(true)
        })
        .collect();
    Arc::new(Schema::new(fields))
}

fn show_schema(show: &Show) -> SchemaRef {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let fields = match &show.name {
        Some(name) => vec![text(&super::settings::display_name(name))],
        None => vec![text("name"), text("setting"), text("description")],
    };
    Arc::new(Schema::new(fields))
}
