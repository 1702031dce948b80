//! `verbatim user`: the users of a lake and their rights.

use std::io::{IsTerminal, Read};

use clap::{Args, Subcommand, ValueEnum};

use super::{Failure, LakeArgument};
use crate::error::{Error, sqlstate};
use crate::govern::{self, Privilege};
use crate::lake::{self, Lake, LakeOptions};

/// Add, list and remove the users of a lake, and grant them rights
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  verbatim user add ann --superuser
  echo \"$PASSWORD\" | verbatim user add ben --password-stdin
  verbatim user grant ben select '*'
  verbatim user list

The lake keeps a SCRAM-SHA-256 verifier and never the password. While a lake has no users, the
server lets in every connection of its own machine.")]
pub(super) struct UserCommand {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    lake: LakeArgument,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Add a user
    Add {
        /// Name of the user
        name: String,
        /// May do everything, on every table
        #[arg(long)]
        superuser: bool,
        /// Read the password from the standard input instead of asking for it
        #[arg(long)]
        password_stdin: bool,
    },
    /// Give a user a new password
    Password {
        /// Name of the user
        name: String,
        /// Read the password from the standard input instead of asking for it
        #[arg(long)]
        password_stdin: bool,
    },
    /// List users and rights
    List,
    /// Remove a user and all its rights
    Remove {
        /// Name of the user
        name: String,
    },
    /// Grant a right on a table
    Grant(Right),
    /// Take a right away
    Revoke(Right),
}

#[derive(Debug, Args)]
struct Right {
    /// Name of the user; public for every user
    user: String,
    /// What it may do
    privilege: PrivilegeArgument,
    /// The table; '*' for every table
    #[arg(default_value = "*")]
    table: String,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum PrivilegeArgument {
    /// Read rows
    Select,
    /// Add rows
    Insert,
    /// Change rows
    Update,
    /// Remove rows
    Delete,
    /// Make views
    Create,
}

impl From<PrivilegeArgument> for Privilege {
    fn from(argument: PrivilegeArgument) -> Self {
        match argument {
            PrivilegeArgument::Select => Privilege::Select,
            PrivilegeArgument::Insert => Privilege::Insert,
            PrivilegeArgument::Update => Privilege::Update,
            PrivilegeArgument::Delete => Privilege::Delete,
            PrivilegeArgument::Create => Privilege::Create,
        }
    }
}

impl UserCommand {
    pub(super) async fn run(self) -> Result<(), Failure> {
        // A user may be made before the first row: the server then starts closed.
        let lake = Lake::open(&self.lake.lake, LakeOptions::default()).await?;
        let result = act(&lake, self.action).await;
        lake.close().await?;
        result.map_err(Failure::from)
    }
}

async fn act(lake: &Lake, action: Action) -> Result<(), Error> {
    match action {
        Action::Add {
            name,
            superuser,
            password_stdin,
        } => {
            let password = read_password(password_stdin)?;
            lake.update_catalog(|catalog| {
                govern::add_user(catalog, &name, Some(&password), superuser)
            })
            .await?;
        }
        Action::Password {
            name,
            password_stdin,
        } => {
            let password = read_password(password_stdin)?;
            lake.update_catalog(|catalog| govern::set_password(catalog, &name, &password))
                .await?;
        }
        Action::List => list(lake),
        Action::Remove { name } => {
            lake.update_catalog(|catalog| govern::remove_user(catalog, &name))
                .await?;
        }
        Action::Grant(right) => {
            let stored = lake.tables().map(|table| table.name().to_owned());
            let system = lake::system_tables()?
                .iter()
                .map(|table| table.name.clone());
            let tables: Vec<String> = stored.chain(system).collect();
            let privilege = right.privilege.into();
            lake.update_catalog(|catalog| {
                govern::grant(catalog, &right.user, privilege, &right.table, &tables)
            })
            .await?;
        }
        Action::Revoke(right) => {
            let privilege = right.privilege.into();
            lake.update_catalog(|catalog| {
                match govern::revoke(catalog, &right.user, privilege, &right.table) {
                    true => Ok(()),
                    false => Err(Error::statement(
                        sqlstate::UNDEFINED_OBJECT,
                        format!("{} has no such right", right.user),
                    )),
                }
            })
            .await?;
        }
    }
    Ok(())
}

fn list(lake: &Lake) {
    let catalog = lake.catalog();
    for (name, user) in &catalog.users {
        let note = match (user.superuser, user.verifier.is_some()) {
            (true, true) => "superuser",
            (true, false) => "superuser, cannot log in",
            (false, true) => "user",
            (false, false) => "user, cannot log in",
        };
        println!("{name}\t{note}");
    }
    for grant in &catalog.grants {
        println!(
            "{}\t{} on {} {}",
            grant.user, grant.privilege, grant.kind, grant.object
        );
    }
}

/// The password: asked for twice on a terminal, or the standard input without its last line break.
fn read_password(from_input: bool) -> Result<String, Error> {
    let failed = |source| Error::Io {
        context: "reading the password".to_owned(),
        source,
    };
    if from_input {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(failed)?;
        let text = text.strip_suffix('\n').unwrap_or(&text);
        return Ok(text.strip_suffix('\r').unwrap_or(text).to_owned());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Error::statement(
            sqlstate::INVALID_PARAMETER_VALUE,
            "there is no terminal to ask for the password",
        )
        .with_hint("Give it on the standard input with --password-stdin."));
    }
    let first = rpassword::prompt_password("Password: ").map_err(failed)?;
    let second = rpassword::prompt_password("Again: ").map_err(failed)?;
    if first != second {
        return Err(Error::statement(
            sqlstate::INVALID_PARAMETER_VALUE,
            "the passwords differ",
        ));
    }
    Ok(first)
}
