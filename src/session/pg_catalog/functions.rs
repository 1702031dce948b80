//! The functions that clients call on the catalogs, and what `pg_proc` says of our own.

use std::collections::{BTreeMap, HashSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::error::Result;
use datafusion::execution::SessionState;
use datafusion::execution::SessionStateDefaults;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature,
    Volatility,
};

use super::super::{BUILT_IN_SCHEMA, DATABASE, USER_SCHEMA};
use super::table::Source;
use super::{oid, relations};
use crate::wire::types::data_type;

/// One of our functions, as `pg_proc` and `\df` show it.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) oid: i32,
    pub(super) name: String,
    /// `f` function, `a` aggregate, `w` window.
    pub(super) kind: &'static str,
    pub(super) argument_count: i32,
    /// The types of the arguments.
    arguments: String,
    pub(super) result_oid: i32,
    result: String,
}

impl Function {
    /// The functions of a session that DataFusion does not bring itself, by name.
    pub(super) fn own(state: &SessionState) -> Vec<Function> {
        let mut known = HashSet::new();
        for function in SessionStateDefaults::default_scalar_functions() {
            known.insert(function.name().to_owned());
            known.extend(function.aliases().iter().cloned());
        }
        for function in SessionStateDefaults::default_aggregate_functions() {
            known.insert(function.name().to_owned());
            known.extend(function.aliases().iter().cloned());
        }
        let mut own = BTreeMap::new();
        let mut add = |name: &String, kind, signature: &Signature, returns: Returns<'_>| {
            if !known.contains(name) && !about_catalogs(name) {
                own.insert(name.clone(), Function::new(name, kind, signature, returns));
            }
        };
        for (name, function) in state.scalar_functions() {
            add(name, "f", function.signature(), &|types| {
                function.return_type(types).ok()
            });
        }
        for (name, function) in state.aggregate_functions() {
            add(name, "a", function.signature(), &|types| {
                function.return_type(types).ok()
            });
        }
        own.into_values().collect()
    }

    fn new(name: &str, kind: &'static str, signature: &Signature, returns: Returns<'_>) -> Self {
        let types = example(&signature.type_signature);
        let result = types.as_deref().and_then(returns);
        let result = data_type(&result.unwrap_or(DataType::Utf8));
        let arguments = types.as_ref().map(|types| {
            types
                .iter()
                .map(|arrow| spelled(&data_type(arrow)))
                .collect::<Vec<_>>()
                .join(", ")
        });
        let count = types.as_ref().map_or(0, Vec::len);
        Function {
            oid: oid::of("function", name),
            name: name.to_owned(),
            kind,
            argument_count: count as i32,
            arguments: arguments.unwrap_or_else(|| "VARIADIC \"any\"".to_owned()),
            result_oid: result.oid() as i32,
            result: spelled(&result),
        }
    }
}

/// The result type for given argument types.
type Returns<'a> = &'a dyn Fn(&[DataType]) -> Option<DataType>;

/// Helpers of the catalogs themselves, which PostgreSQL keeps in `pg_catalog`.
fn about_catalogs(name: &str) -> bool {
    const PREFIXES: [&str; 8] = [
        "pg_", "has_", "current_", "session_", "quote_", "parse_", "array_", "obj_",
    ];
    const NAMES: [&str; 6] = [
        "version",
        "set_config",
        "format_type",
        "col_description",
        "shobj_description",
        "user",
    ];
    PREFIXES.iter().any(|prefix| name.starts_with(prefix)) || NAMES.contains(&name)
}

/// Argument types with which a function can be called.
fn example(signature: &TypeSignature) -> Option<Vec<DataType>> {
    if let TypeSignature::OneOf(several) = signature {
        return several.iter().find_map(example);
    }
    signature.get_example_types().into_iter().next()
}

/// The name of a type as SQL spells it.
fn spelled(of: &postgres_types::Type) -> String {
    use postgres_types::{Kind, Type};
    if let Kind::Array(element) = of.kind() {
        return format!("{}[]", spelled(element));
    }
    match *of {
        Type::BOOL => "boolean",
        Type::INT2 => "smallint",
        Type::INT4 => "integer",
        Type::INT8 => "bigint",
        Type::FLOAT4 => "real",
        Type::FLOAT8 => "double precision",
        Type::TIMESTAMP => "timestamp without time zone",
        Type::TIMESTAMPTZ => "timestamp with time zone",
        _ => of.name(),
    }
    .to_owned()
}

/// What clients call on the catalogs beyond what `datafusion_pg_catalog` has.
pub(super) fn catalog_functions(source: &Arc<Source>) -> Vec<ScalarUDF> {
    let about = |name: &'static str, text: fn(&Function) -> &str| {
        let source = source.clone();
        text_function(name, 1, move |arguments, row| {
            let wanted = number(arguments, 0, row)?;
            let functions = source.functions();
            let found = functions
                .iter()
                .find(|function| i64::from(function.oid) == wanted)?;
            Some(text(found).to_owned())
        })
    };
    let users = source.clone();
    vec![
        about("pg_get_function_arguments", |function| &function.arguments),
        about("pg_get_function_identity_arguments", |function| {
            &function.arguments
        }),
        about("pg_get_function_result", |function| &function.result),
        flag_function("pg_function_is_visible"),
        flag_function("pg_type_is_visible"),
        flag_function("pg_table_is_visible"),
        text_function("pg_get_userbyid", 1, move |arguments, row| {
            let wanted = number(arguments, 0, row)?;
            let catalog = users.lake.catalog();
            let mut names = catalog.users.keys().map(String::as_str).chain([DATABASE]);
            let found = names.find(|name| i64::from(oid::user(name)) == wanted);
            Some(found.map_or_else(|| format!("unknown (OID={wanted})"), str::to_owned))
        }),
        text_function("pg_encoding_to_char", 1, |arguments, row| {
            Some(
                if number(arguments, 0, row)? == 6 {
                    "UTF8"
                } else {
                    ""
                }
                .to_owned(),
            )
        }),
        text_function("col_description", 2, |arguments, row| {
            let position = i32::try_from(number(arguments, 1, row)?).ok()?;
            let table = built_in(number(arguments, 0, row)?)?;
            relations::column_comment(table, position).map(str::to_owned)
        }),
        text_function("obj_description", 2, |arguments, row| {
            let relation = built_in(number(arguments, 0, row)?)?;
            relations::comment(relation).map(str::to_owned)
        }),
        text_function("shobj_description", 2, |_, _| None),
        text_function("pg_get_viewdef", 1, {
            let source = source.clone();
            move |arguments, row| view_definition(&source, number(arguments, 0, row)?)
        }),
    ]
}

/// The name of the built-in relation with this id.
fn built_in(wanted: i64) -> Option<&'static str> {
    let tables = crate::lake::built_in_tables().ok()?;
    let views = crate::library::views();
    let mut names = tables
        .iter()
        .chain(crate::lake::system_tables().ok()?)
        .map(|table| table.name.as_str())
        .chain(views.iter().map(|view| view.name));
    names.find(|name| i64::from(oid::relation(BUILT_IN_SCHEMA, name)) == wanted)
}

fn view_definition(source: &Source, wanted: i64) -> Option<String> {
    if let Some(name) = built_in(wanted) {
        return crate::library::view(name).map(|view| format!(" {};", view.sql.trim()));
    }
    let catalog = source.lake.catalog();
    let mut views = catalog.views.iter();
    let (_, view) =
        views.find(|(name, _)| i64::from(oid::relation(USER_SCHEMA, name)) == wanted)?;
    Some(format!(" {};", view.sql.trim()))
}

/// The integer in a column of the arguments; `None` is NULL.
fn number(arguments: &[ArrayRef], column: usize, row: usize) -> Option<i64> {
    let column = cast(arguments.get(column)?, &DataType::Int64).ok()?;
    let column = column.as_primitive::<Int64Type>();
    (!column.is_null(row)).then(|| column.value(row))
}

/// A function of any argument types with a text result; `value` gives it per row.
fn text_function(
    name: &'static str,
    arguments: usize,
    value: impl Fn(&[ArrayRef], usize) -> Option<String> + Send + Sync + 'static,
) -> ScalarUDF {
    any_function(name, arguments, DataType::Utf8, move |arrays, rows| {
        let values: StringArray = (0..rows).map(|row| value(arrays, row)).collect();
        Arc::new(values)
    })
}

/// A function that says yes of everything that is there.
fn flag_function(name: &'static str) -> ScalarUDF {
    any_function(name, 1, DataType::Boolean, |arrays, rows| {
        let values: BooleanArray = (0..rows)
            .map(|row| number(arrays, 0, row).map(|_| true))
            .collect();
        Arc::new(values)
    })
}

fn any_function(
    name: &'static str,
    arguments: usize,
    result: DataType,
    values: impl Fn(&[ArrayRef], usize) -> ArrayRef + Send + Sync + 'static,
) -> ScalarUDF {
    let counts = (1..=arguments.max(2)).map(TypeSignature::Any).collect();
    ScalarUDF::new_from_impl(CatalogFunction {
        name,
        result,
        signature: Signature::one_of(counts, Volatility::Stable),
        values: Arc::new(values),
    })
}

/// The values of a function for its arguments and a number of rows.
type Values = dyn Fn(&[ArrayRef], usize) -> ArrayRef + Send + Sync;

/// A function on the catalogs; there is one of each name.
struct CatalogFunction {
    name: &'static str,
    result: DataType,
    signature: Signature,
    values: Arc<Values>,
}

impl std::fmt::Debug for CatalogFunction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("CatalogFunction").field(&self.name).finish()
    }
}

impl PartialEq for CatalogFunction {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for CatalogFunction {}

impl Hash for CatalogFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for CatalogFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(self.result.clone())
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        let arrays = arguments
            .args
            .into_iter()
            .map(|argument| argument.into_array(rows))
            .collect::<Result<Vec<_>>>()?;
        Ok(ColumnarValue::Array((self.values)(&arrays, rows)))
    }
}
