//! Functions that ask about the session: `version()`, `current_setting()`, `current_user`.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::common::config::ConfigOptions;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::async_udf::{AsyncScalarUDF, AsyncScalarUDFImpl};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature,
    Volatility,
};

use super::variables::VariablesExtension;
use super::{SERVER_VERSION, Scope, Variables};
use crate::error::{Error, sqlstate};

/// Adds every function of this file.
pub(crate) fn register(registry: &mut dyn FunctionRegistry) -> Result<()> {
    for about in About::ALL {
        registry.register_udf(Arc::new(ScalarUDF::new_from_impl(SessionFunction::new(
            about,
        ))))?;
    }
    let sleep = AsyncScalarUDF::new(Arc::new(Sleep::new()));
    registry.register_udf(Arc::new(sleep.into_scalar_udf()))?;
    Ok(())
}

/// What a function tells about its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum About {
    Version,
    SessionUser,
    CurrentUser,
    CurrentRole,
    CurrentDatabase,
    CurrentCatalog,
    CurrentSchema,
    CurrentSetting,
    SetConfig,
    BackendPid,
    ServerStarted,
    InRecovery,
}

impl About {
    const ALL: [About; 12] = [
        About::Version,
        About::SessionUser,
        About::CurrentUser,
        About::CurrentRole,
        About::CurrentDatabase,
        About::CurrentCatalog,
        About::CurrentSchema,
        About::CurrentSetting,
        About::SetConfig,
        About::BackendPid,
        About::ServerStarted,
        About::InRecovery,
    ];

    fn name(self) -> &'static str {
        match self {
            About::Version => "version",
            About::SessionUser => "session_user",
            About::CurrentUser => "current_user",
            About::CurrentRole => "current_role",
            About::CurrentDatabase => "current_database",
            About::CurrentCatalog => "current_catalog",
            About::CurrentSchema => "current_schema",
            About::CurrentSetting => "current_setting",
            About::SetConfig => "set_config",
            About::BackendPid => "pg_backend_pid",
            About::ServerStarted => "pg_postmaster_start_time",
            About::InRecovery => "pg_is_in_recovery",
        }
    }

    fn return_type(self) -> DataType {
        match self {
            About::BackendPid => DataType::Int32,
            About::InRecovery => DataType::Boolean,
            About::ServerStarted => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            _ => DataType::Utf8,
        }
    }

    fn signature(self) -> Signature {
        let text = DataType::Utf8;
        match self {
            About::CurrentSetting => Signature::one_of(
                vec![
                    TypeSignature::Exact(vec![text.clone()]),
                    TypeSignature::Exact(vec![text, DataType::Boolean]),
                ],
                // Another row may have called set_config.
                Volatility::Volatile,
            ),
            About::SetConfig => Signature::exact(
                vec![text.clone(), text, DataType::Boolean],
                Volatility::Volatile,
            ),
            _ => Signature::nullary(Volatility::Stable),
        }
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct SessionFunction {
    about: About,
    signature: Signature,
}

impl SessionFunction {
    fn new(about: About) -> Self {
        SessionFunction {
            about,
            signature: about.signature(),
        }
    }
}

impl ScalarUDFImpl for SessionFunction {
    fn name(&self) -> &str {
        self.about.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(self.about.return_type())
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let variables = variables(&arguments.config_options)?;
        let text = |value: &str| ScalarValue::Utf8(Some(value.to_owned()));
        let value = match self.about {
            About::Version => text(&version()),
            About::SessionUser | About::CurrentUser | About::CurrentRole => text(variables.user()),
            About::CurrentDatabase | About::CurrentCatalog => text(variables.database()),
            About::CurrentSchema => text(&arguments.config_options.catalog.default_schema),
            About::BackendPid => ScalarValue::Int32(Some(variables.pid())),
            About::InRecovery => ScalarValue::Boolean(Some(false)),
            About::ServerStarted => ScalarValue::TimestampMicrosecond(
                Some(variables.server_started().timestamp_micros()),
                Some("UTC".into()),
            ),
            About::CurrentSetting => return each_row(&arguments, current_setting(variables)),
            About::SetConfig => return each_row(&arguments, set_config(variables)),
        };
        Ok(ColumnarValue::Scalar(value))
    }
}

/// `PostgreSQL 15.x (Verbatim y)`: drivers read the first number.
pub(crate) fn version() -> String {
    format!(
        "PostgreSQL {SERVER_VERSION} (Verbatim {}) on {}-{}, 64-bit",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::ARCH,
        std::env::consts::OS
    )
}

fn variables(options: &ConfigOptions) -> Result<&Arc<Variables>> {
    match options.extensions.get::<VariablesExtension>() {
        Some(extension) => Ok(&extension.0),
        None => Err(DataFusionError::Execution(
            "the function needs a session".to_owned(),
        )),
    }
}

/// Calls a function of scalars once for each row.
fn each_row(
    arguments: &ScalarFunctionArgs,
    call: impl Fn(&[ScalarValue]) -> Result<Option<String>>,
) -> Result<ColumnarValue> {
    let scalars: Option<Vec<ScalarValue>> = arguments
        .args
        .iter()
        .map(|argument| match argument {
            ColumnarValue::Scalar(value) => Some(value.clone()),
            ColumnarValue::Array(_) => None,
        })
        .collect();
    if let Some(scalars) = scalars {
        return Ok(ColumnarValue::Scalar(ScalarValue::Utf8(call(&scalars)?)));
    }
    let arrays = ColumnarValue::values_to_arrays(&arguments.args)?;
    let mut values = Vec::with_capacity(arguments.number_rows);
    for row in 0..arguments.number_rows {
        let row: Vec<ScalarValue> = arrays
            .iter()
            .map(|array| ScalarValue::try_from_array(array, row))
            .collect::<Result<_>>()?;
        values.push(call(&row)?);
    }
    Ok(ColumnarValue::Array(Arc::new(
        datafusion::arrow::array::StringArray::from(values),
    )))
}

fn as_text(value: Option<&ScalarValue>) -> Option<&str> {
    value.and_then(|value| value.try_as_str().flatten())
}

fn as_boolean(value: Option<&ScalarValue>) -> bool {
    matches!(value, Some(ScalarValue::Boolean(Some(true))))
}

/// `current_setting(name [, missing_ok])`.
fn current_setting(variables: &Variables) -> impl Fn(&[ScalarValue]) -> Result<Option<String>> {
    |arguments| {
        let Some(name) = as_text(arguments.first()) else {
            return Ok(None);
        };
        match variables.settings().get(name) {
            Ok(value) => Ok(Some(value)),
            Err(_) if as_boolean(arguments.get(1)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// `set_config(name, value, is_local)`: the new value.
fn set_config(variables: &Variables) -> impl Fn(&[ScalarValue]) -> Result<Option<String>> {
    |arguments| {
        let Some(name) = as_text(arguments.first()) else {
            return Err(Error::statement(
                sqlstate::INVALID_PARAMETER_VALUE,
                "set_config needs the name of a setting",
            )
            .into());
        };
        let scope = if as_boolean(arguments.get(2)) {
            Scope::Local
        } else {
            Scope::Session
        };
        let mut settings = variables.settings();
        match as_text(arguments.get(1)) {
            Some(value) => settings.set(name, value, scope)?,
            None => settings.reset(name)?,
        }
        Ok(Some(settings.get(name)?))
    }
}

/// `pg_sleep(seconds)`: waits, and ends early with its statement.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Sleep {
    signature: Signature,
}

impl Sleep {
    fn new() -> Self {
        Sleep {
            signature: Signature::exact(vec![DataType::Float64], Volatility::Volatile),
        }
    }
}

impl ScalarUDFImpl for Sleep {
    fn name(&self) -> &str {
        "pg_sleep"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, _arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Err(DataFusionError::Execution(
            "pg_sleep cannot stand here".to_owned(),
        ))
    }
}

#[async_trait]
impl AsyncScalarUDFImpl for Sleep {
    async fn invoke_async_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&arguments.args)?;
        let mut seconds = 0.0_f64;
        if let Some(array) = arrays.first() {
            for row in 0..array.len() {
                if let ScalarValue::Float64(Some(value)) = ScalarValue::try_from_array(array, row)?
                {
                    seconds += value.max(0.0);
                }
            }
        }
        let limit = std::time::Duration::try_from_secs_f64(seconds)
            .unwrap_or(std::time::Duration::from_secs(86_400));
        tokio::time::sleep(limit).await;
        Ok(ColumnarValue::Scalar(ScalarValue::Utf8(
            Some(String::new()),
        )))
    }
}
