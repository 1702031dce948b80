//! Planning: parameters and their types, the plan, the columns that clients see.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::ScalarValue;
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::Statement as PlannedStatement;
use datafusion::sql::sqlparser::ast::{self, Expr, Value, VisitMut, VisitorMut};

use super::prepared::Prepared;
use super::{Session, explain};
use crate::error::{Error, sqlstate};
use crate::govern;
use crate::statement::{
    self, Copy, CopyDirection, CopyRelation, Kind, Show, Statement, strip_suffix,
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
        let limits = self.cancel.start(self.statement_timeout());
        let result = limits.guard(self.plan_statement(statement, declared)).await;
        if result.is_err() {
            self.mark_failed();
        }
        result
    }

    async fn plan_statement(
        &self,
        statement: Statement,
        declared: &[Option<DataType>],
    ) -> Result<Prepared, Error> {
        let schema = match statement.kind() {
            Kind::Query(query) => {
                let (plan, parameters) = self.plan(&query.ast, declared).await?;
                let schema = self.visible_schema(&plan)?;
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
    ) -> Result<(LogicalPlan, Vec<DataType>), Error> {
        self.engine.lake().refresh_catalog().await?;
        let state = self.state();
        let mut types: Vec<Option<DataType>> = declared.to_vec();
        for (number, sql_type) in super::parameters::cast_types(ast) {
            types.resize(types.len().max(number), None);
            if types[number - 1].is_none() {
                types[number - 1] = self.arrow_types(&[sql_type]).await?.pop().flatten();
            }
        }
        let plan = plan_with_types(&state, ast.clone(), &types).await?;
        let found = parameter_types(&plan)?;
        let count = found.keys().copied().max().unwrap_or(0).max(types.len());
        types.resize(count, None);
        let mut replan = false;
        for (index, slot) in types.iter_mut().enumerate() {
            if slot.is_none() {
                let inferred = found.get(&(index + 1)).cloned().flatten();
                replan |= inferred.is_none();
                *slot = Some(inferred.unwrap_or(DataType::Utf8));
            }
        }
        let plan = if replan {
            plan_with_types(&state, ast.clone(), &types).await?
        } else {
            plan
        };
        self.authorize(&plan)?;
        Ok((plan, types.into_iter().flatten().collect()))
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
            .map(|(index, expr)| format!("{expr} AS c{index}"))
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

fn null() -> Expr {
    Expr::Value(Value::Null.into())
}

fn cast(expr: Expr, data_type: ast::DataType) -> Expr {
    Expr::Cast {
        kind: ast::CastKind::Cast,
        expr: Box::new(expr),
        data_type,
        array: false,
        format: None,
    }
}

async fn plan_with_types(
    state: &SessionState,
    mut ast: ast::Statement,
    types: &[Option<DataType>],
) -> Result<LogicalPlan, Error> {
    if types.iter().any(Option::is_some) {
        let mut declare = Declare { types };
        // The break type is uninhabited: the visit always runs to its end.
        let _ = ast.visit(&mut declare);
    }
    Ok(state
        .statement_to_plan(PlannedStatement::Statement(Box::new(ast)))
        .await?)
}

/// Casts each parameter to its declared type, so that the planner knows it everywhere.
struct Declare<'a> {
    types: &'a [Option<DataType>],
}

impl VisitorMut for Declare<'_> {
    type Break = std::convert::Infallible;

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        if let Expr::Value(value) = expr
            && let Value::Placeholder(name) = &value.value
            && let Some(number) = placeholder_number(name)
            && let Some(Some(data_type)) = self.types.get(number - 1)
            && let Some(sql_type) = sql_type(data_type)
        {
            *expr = cast(expr.clone(), sql_type);
        }
        ControlFlow::Continue(())
    }
}

/// The number of a parameter `$n`, from 1.
pub(super) fn placeholder_number(name: &str) -> Option<usize> {
    name.strip_prefix('$')?
        .parse()
        .ok()
        .filter(|number| (1..=65_535).contains(number))
}

/// The SQL name of an Arrow type that a client can declare.
fn sql_type(data_type: &DataType) -> Option<ast::DataType> {
    use datafusion::arrow::datatypes::TimeUnit;
    Some(match data_type {
        DataType::Boolean => ast::DataType::Boolean,
        DataType::Int16 => ast::DataType::SmallInt(None),
        DataType::Int32 => ast::DataType::Integer(None),
        DataType::Int64 => ast::DataType::BigInt(None),
        DataType::Float32 => ast::DataType::Real,
        DataType::Float64 => ast::DataType::DoublePrecision,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => ast::DataType::Text,
        DataType::Binary | DataType::LargeBinary => ast::DataType::Bytea,
        DataType::Date32 => ast::DataType::Date,
        DataType::Time64(_) => ast::DataType::Time(None, ast::TimezoneInfo::None),
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => {
            ast::DataType::Timestamp(None, ast::TimezoneInfo::Tz)
        }
        DataType::Timestamp(TimeUnit::Microsecond, None) => {
            ast::DataType::Timestamp(None, ast::TimezoneInfo::None)
        }
        DataType::Interval(_) => ast::DataType::Interval {
            fields: None,
            precision: None,
        },
        DataType::Decimal128(precision, scale) => ast::DataType::Numeric(
            ast::ExactNumberInfo::PrecisionAndScale(u64::from(*precision), i64::from(*scale)),
        ),
        DataType::List(field) | DataType::LargeList(field) => ast::DataType::Array(
            ast::ArrayElemTypeDef::SquareBracket(Box::new(sql_type(field.data_type())?), None),
        ),
        _ => return None,
    })
}

/// The parameters of a plan by number, with the types that the planner gave them.
fn parameter_types(plan: &LogicalPlan) -> Result<BTreeMap<usize, Option<DataType>>, Error> {
    let mut types = BTreeMap::new();
    for (name, data_type) in plan.get_parameter_types()? {
        let Some(number) = placeholder_number(&name) else {
            return Err(Error::statement(
                sqlstate::UNDEFINED_PARAMETER,
                format!("there is no parameter {name}"),
            ));
        };
        types.insert(number, data_type);
    }
    Ok(types)
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
