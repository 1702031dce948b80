//! From the startup packet to a session: who is it, may they, what do they ask for.

mod scram;
mod users;

use std::net::SocketAddr;

use pgwire::messages::startup::{
    Authentication, BackendKeyData, NegotiateProtocolVersion, ParameterStatus, Startup,
};
use pgwire::messages::{PgWireBackendMessage, PgWireFrontendMessage, ProtocolVersion};
use ring::hmac;

use super::cancel::Backend;
use super::channel::{Input, Output};
use super::report::{Failure, Report, Severity, state};
use super::server::Shared;
use crate::session::Session;
use scram::Verifier;

/// Startup parameters that are no settings of the session.
const NOT_SETTINGS: [&str; 4] = ["user", "database", "replication", "options"];
/// Rounds told for users that do not exist: what new users get.
const DEFAULT_ITERATIONS: u32 = 4096;

/// A connection that may send statements.
pub(crate) struct Login {
    pub(crate) session: Session,
    pub(crate) backend: Backend,
}

/// A connection that asks for a session.
pub(crate) struct Request<'a> {
    pub(crate) startup: &'a Startup,
    pub(crate) peer: SocketAddr,
    /// Whether the connection is encrypted.
    pub(crate) secure: bool,
}

/// Authenticates the client and opens its session; everything up to the first `ReadyForQuery` is
/// in the output then. A [`Failure::Report`] is the refusal, which the caller sends.
pub(crate) async fn log_in(
    server: &Shared,
    request: Request<'_>,
    input: &mut Input,
    output: &mut Output,
) -> Result<Login, Failure> {
    let version = negotiate_version(request.startup, output)?;
    let parameters = &request.startup.parameters;
    if server.tls_required && !request.secure {
        return Err(Report::fatal(
            state::INVALID_AUTHORIZATION,
            "this server accepts encrypted connections only",
        )
        .with_hint("connect with sslmode=require")
        .into());
    }
    if parameters
        .get("replication")
        .is_some_and(|value| value != "false" && value != "off")
    {
        return Err(Report::fatal(
            state::FEATURE_NOT_SUPPORTED,
            "replication connections are not supported",
        )
        .into());
    }
    let user = match parameters.get("user") {
        Some(user) if !user.is_empty() => user.as_str(),
        _ => {
            let message = "no user name specified in startup packet";
            return Err(Report::fatal(state::INVALID_AUTHORIZATION, message).into());
        }
    };
    let authenticated = authenticate(server, user, request.peer, input, output).await?;
    // Only now: who proves nothing takes nobody's place.
    let backend = server.backends.enter(version)?;
    let database = parameters.get("database").map_or(user, String::as_str);
    let from_options = options(parameters.get("options").map_or("", String::as_str))?;
    let settings = parameters
        .iter()
        .filter(|(name, _)| !NOT_SETTINGS.contains(&name.as_str()) && !name.starts_with("_pq_."))
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .chain(
            from_options
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        );
    let session = server
        .engine
        .connect(authenticated.then_some(user), database, settings)
        .map_err(|error| Report {
            severity: Severity::Fatal,
            ..Report::from(error)
        })?;
    let session = session.with_limits_of_the_caller();
    session.set_backend_pid(backend.id);

    output.put(&PgWireBackendMessage::Authentication(Authentication::Ok))?;
    for (name, value) in session.reported_settings() {
        let status = ParameterStatus::new(name, value);
        output.put(&PgWireBackendMessage::ParameterStatus(status))?;
    }
    let key = BackendKeyData::new(backend.id, backend.secret());
    output.put(&PgWireBackendMessage::BackendKeyData(key))?;
    input.trust();
    Ok(Login { session, backend })
}

/// Answers a client that speaks a newer minor version, or asks for protocol options.
fn negotiate_version(startup: &Startup, output: &mut Output) -> Result<ProtocolVersion, Failure> {
    let known = ProtocolVersion::from_version_number(
        startup.protocol_number_major,
        startup.protocol_number_minor,
    );
    let unsupported: Vec<String> = startup
        .parameters
        .keys()
        .filter(|name| name.starts_with("_pq_."))
        .cloned()
        .collect();
    let version = known.unwrap_or_default();
    if known.is_none() || !unsupported.is_empty() {
        let answer = NegotiateProtocolVersion::new(version.into(), unsupported);
        output.put(&PgWireBackendMessage::NegotiateProtocolVersion(answer))?;
    }
    Ok(version)
}

/// True when the client proved to be the user; false when it is trusted without a proof.
async fn authenticate(
    server: &Shared,
    user: &str,
    peer: SocketAddr,
    input: &mut Input,
    output: &mut Output,
) -> Result<bool, Failure> {
    let users = users::Users::read(&server.engine).await?;
    if users.is_empty() {
        if peer.ip().to_canonical().is_loopback() {
            return Ok(false);
        }
        return Err(Report::fatal(
            state::INVALID_AUTHORIZATION,
            "no user exists yet, so only connections from this machine are accepted",
        )
        .with_hint("add one with `verbatim user add`")
        .into());
    }
    let verifier = users.verifier(user);
    let known = verifier.is_some();
    let verifier = verifier.unwrap_or_else(|| made_up_verifier(&server.made_up_key, user));

    let mechanisms = vec![scram::MECHANISM.to_owned()];
    output.put(&PgWireBackendMessage::Authentication(Authentication::SASL(
        mechanisms,
    )))?;
    output.send().await?;
    let denied = |refusal| match refusal {
        scram::Refusal::Malformed(what) => Report::fatal(state::PROTOCOL_VIOLATION, what),
        scram::Refusal::Denied => Report::fatal(
            state::INVALID_PASSWORD,
            format!("password authentication failed for user \"{user}\""),
        ),
    };

    let first = match input.message().await? {
        Some(PgWireFrontendMessage::PasswordMessageFamily(message)) => {
            sasl(message.into_sasl_initial_response())?
        }
        _ => return Err(Failure::Gone),
    };
    if first.auth_method != scram::MECHANISM {
        return Err(Report::fatal(
            state::PROTOCOL_VIOLATION,
            format!("the server offers {} only", scram::MECHANISM),
        )
        .into());
    }
    let (exchange, answer) =
        scram::Exchange::begin(&first.data.unwrap_or_default(), verifier, known).map_err(denied)?;
    let answer = Authentication::SASLContinue(answer.into());
    output.put(&PgWireBackendMessage::Authentication(answer))?;
    output.send().await?;

    let last = match input.message().await? {
        Some(PgWireFrontendMessage::PasswordMessageFamily(message)) => {
            sasl(message.into_sasl_response())?
        }
        _ => return Err(Failure::Gone),
    };
    let answer = exchange.finish(&last.data).map_err(denied)?;
    let answer = Authentication::SASLFinal(answer.into());
    output.put(&PgWireBackendMessage::Authentication(answer))?;
    Ok(true)
}

fn sasl<T, E: std::fmt::Display>(message: Result<T, E>) -> Result<T, Report> {
    message.map_err(|error| Report::fatal(state::PROTOCOL_VIOLATION, error.to_string()))
}

/// A verifier for a user that does not exist, the same at every attempt, so that a stranger cannot
/// tell from the exchange which users there are.
fn made_up_verifier(key: &[u8; 32], user: &str) -> Verifier {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), user.as_bytes());
    let bytes = tag.as_ref();
    Verifier {
        salt: bytes[..16].to_vec(),
        iterations: DEFAULT_ITERATIONS,
        stored_key: bytes.to_vec(),
        server_key: bytes.to_vec(),
    }
}

/// Reads the settings from the parameter `options`, in the forms `-c name=value` and
/// `--name=value`; a backslash protects a space.
fn options(text: &str) -> Result<Vec<(String, String)>, Report> {
    let mut words = vec![String::new()];
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let word = match character {
            '\\' => characters.next(),
            space if space.is_whitespace() => {
                words.push(String::new());
                None
            }
            other => Some(other),
        };
        if let (Some(character), Some(last)) = (word, words.last_mut()) {
            last.push(character);
        }
    }
    let mut settings = Vec::new();
    let mut words = words.into_iter().filter(|word| !word.is_empty());
    while let Some(word) = words.next() {
        let setting = match word.strip_prefix("--").or_else(|| word.strip_prefix("-c")) {
            Some("") => words.next().unwrap_or_default(),
            Some(setting) => setting.to_owned(),
            None => String::new(),
        };
        let Some((name, value)) = setting.split_once('=') else {
            return Err(Report::fatal(
                "42601",
                format!("invalid command-line argument \"{word}\" in the parameter \"options\""),
            ));
        };
        settings.push((name.replace('-', "_"), value.to_owned()));
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn options_are_settings() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            options("-c statement_timeout=5s --search-path=a\\ b -cTimeZone=UTC").unwrap(),
            [
                pair("statement_timeout", "5s"),
                pair("search_path", "a b"),
                pair("TimeZone", "UTC")
            ]
        );
        assert!(options("-x").is_err());
        assert!(options("").unwrap().is_empty());
    }

    #[test]
    fn a_made_up_verifier_is_always_the_same() {
        let key = [7; 32];
        assert_eq!(
            made_up_verifier(&key, "eve").salt,
            made_up_verifier(&key, "eve").salt
        );
        assert_ne!(
            made_up_verifier(&key, "eve").salt,
            made_up_verifier(&key, "adam").salt
        );
    }
}
