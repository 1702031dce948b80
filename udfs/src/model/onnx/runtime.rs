//! ONNX Runtime: a shared library that is found when the first graph is made.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use ort::environment::Environment;

use super::OnnxError;

/// Where the library is, if not where the system looks.
const PATH: &str = "ORT_DYLIB_PATH";

/// The process has one environment; it stays until the end, as its sessions may.
static ENVIRONMENT: Mutex<Option<Environment>> = Mutex::new(None);

/// Finds and starts the library. Where that fails, the next call tries again: it may have been
/// installed meanwhile.
pub(super) fn environment() -> Result<Environment, OnnxError> {
    let mut environment = ENVIRONMENT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(environment) = &*environment {
        return Ok(environment.clone());
    }
    let named = std::env::var_os(PATH).filter(|path| !path.is_empty());
    let path = named.map_or_else(system_name, PathBuf::from);
    // Named by its path, the library is loaded here, where a failure is an error: what `ort` loads
    // of itself stops the program where the library is missing.
    let builder = ort::init_from(&path).map_err(|error| OnnxError::Runtime(error.to_string()))?;
    let made = builder
        .with_name("verbatim")
        .with_telemetry(false)
        .build()
        .map_err(|error| OnnxError::Runtime(error.to_string()))?;
    *environment = Some(made.clone());
    Ok(made)
}

/// The library's name where the system looks for libraries.
fn system_name() -> PathBuf {
    use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
    format!("{DLL_PREFIX}onnxruntime{DLL_SUFFIX}").into()
}
