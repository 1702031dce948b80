//! From a text to statements: which grammar reads what, and which statements are let through.

use std::sync::LazyLock;

use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::ast;
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::Token;
use datafusion_pg_catalog::sql::PostgresCompatibilityParser;
use datafusion_pg_catalog::sql::rules::{
    CurrentUserVariableToSessionUserFunctionCall, FixArrayLiteral, RewriteArrayAnyAllOperation,
    RewritePgCatalogOperator, SqlStatementRewriteRule, StripCallableQualifier, StripCollate,
};

use super::array_subquery::ArraySubquery;
use super::split::{Chunk, split};
use super::{
    AlterModel, Close, Copy, CreateModel, CreateView, Deallocate, Declare, Discard, DropModel,
    DropView, EvaluateModel, Execute, Explain, Fetch, Kind, Prepare, Query, Reset, Set, Show,
    Statement, Transaction, Vacuum, Write, WriteKind, catalogs, depth, expansion, insert, interval,
    names,
};
use crate::error::{Error, sqlstate};
use crate::library;

/// How deep brackets, subqueries and operators of one statement may be nested for the parser.
const RECURSION_LIMIT: usize = 300;

/// Rewrites PostgreSQL's own spellings into what DataFusion plans, for every statement.
static REWRITES: LazyLock<Vec<Box<dyn SqlStatementRewriteRule>>> = LazyLock::new(|| {
    vec![
        Box::new(RewriteArrayAnyAllOperation),
        Box::new(StripCallableQualifier),
        Box::new(FixArrayLiteral),
        Box::new(CurrentUserVariableToSessionUserFunctionCall),
        Box::new(StripCollate),
        Box::new(RewritePgCatalogOperator),
        Box::new(ArraySubquery),
    ]
});

/// The client quirks of catalog queries. It answers some subqueries with NULL and adds LIMIT 1 to
/// others, which is right for the catalogs alone: no other statement goes through it.
static CATALOG_QUERIES: LazyLock<PostgresCompatibilityParser> =
    LazyLock::new(PostgresCompatibilityParser::new);

/// Parses a text of any number of statements.
///
/// # Errors
/// SQLSTATE 42601 for what is no SQL, 54001 for what is too deep, 0A000 for a statement that the
/// engine does not run, 42501 for one that would reach the server's files.
pub fn parse(sql: &str) -> Result<Vec<Statement>, Error> {
    split(sql)?.iter().map(statement).collect()
}

/// Parses a text that is one query, such as a view's.
///
/// # Errors
/// As [`parse`]; SQLSTATE 42601 for anything else than one query.
pub(crate) fn single_query(sql: &str) -> Result<ast::Statement, Error> {
    let mut statements = parse(sql)?;
    match (
        statements.pop().map(|statement| statement.kind),
        statements.is_empty(),
    ) {
        (Some(Kind::Query(query)), true) => Ok(*query.ast),
        _ => Err(syntax_error("one query was expected")),
    }
}

fn statement(chunk: &Chunk<'_>) -> Result<Statement, Error> {
    depth::check(chunk.significant())?;
    let kind = match own(chunk) {
        Some(kind) => kind?,
        None => from_ast(ast(chunk)?, chunk)?,
    };
    Ok(Statement {
        text: chunk.text.into(),
        kind,
    })
}

/// Statements that sqlparser does not read, or reads as something else.
fn own(chunk: &Chunk<'_>) -> Option<Result<Kind, Error>> {
    if chunk.opens_with(&["show"]) {
        let words = chunk.significant().skip(1);
        return Some(words_of(words).map(|words| Kind::Show(Show::from_words(&words))));
    }
    if chunk.opens_with(&["abort"]) {
        let chain = chunk.opens_with(&["abort", "and", "chain"]);
        return Some(Ok(Kind::Transaction(Transaction::Rollback { chain })));
    }
    if CreateModel::opens(chunk) {
        return Some(CreateModel::parse(chunk).map(Kind::CreateModel));
    }
    if AlterModel::opens(chunk) {
        return Some(AlterModel::parse(chunk).map(Kind::AlterModel));
    }
    if EvaluateModel::opens(chunk) {
        return Some(EvaluateModel::parse(chunk).map(Kind::EvaluateModel));
    }
    if DropModel::opens(chunk) {
        return Some(DropModel::parse(chunk).map(Kind::DropModel));
    }
    if Vacuum::opens(chunk) {
        return Some(Vacuum::parse(chunk).map(Kind::Vacuum));
    }
    if chunk.opens_with(&["move"]) {
        let text = format!("FETCH{}", &chunk.text["move".len()..]);
        let fetch = split(&text).and_then(|chunks| match chunks.as_slice() {
            [chunk] => from_ast(ast(chunk)?, chunk),
            _ => Err(syntax_error("MOVE takes a cursor")),
        });
        return Some(match fetch {
            Ok(Kind::Fetch(fetch)) => Ok(Kind::Fetch(Fetch {
                skip: true,
                ..fetch
            })),
            other => other,
        });
    }
    None
}

/// The words of a SHOW: a name with dots, or several words.
fn words_of<'a>(tokens: impl Iterator<Item = &'a Token>) -> Result<Vec<String>, Error> {
    let mut words = Vec::new();
    for token in tokens {
        match token {
            Token::Word(word) => words.push(word.value.clone()),
            Token::Period => {}
            other => return Err(syntax_error(format!("SHOW takes a name, not {other}"))),
        }
    }
    if words.is_empty() {
        return Err(syntax_error("SHOW needs the name of a setting"));
    }
    Ok(words)
}

fn syntax_error(message: impl std::fmt::Display) -> Error {
    Error::statement(sqlstate::SYNTAX_ERROR, format!("syntax error: {message}"))
}

/// Parses one statement with sqlparser and rewrites PostgreSQL's spellings.
fn ast(chunk: &Chunk<'_>) -> Result<ast::Statement, Error> {
    let plain = Parser::new(&PostgreSqlDialect {})
        .with_recursion_limit(RECURSION_LIMIT)
        .with_tokens_with_locations(chunk.tokens.clone())
        .parse_statements();
    let parsed = match mentions_catalogs(chunk) && catalogs::are_all_that_is_read(&plain) {
        true => CATALOG_QUERIES.parse(chunk.text),
        false => plain,
    };
    let mut statements = parsed.map_err(parser_error)?;
    match (statements.pop(), statements.is_empty()) {
        (Some(mut statement), true) => {
            expansion::check(&statement)?;
            library::expand(&mut statement)?;
            // Before the rewrites, which give functions other names.
            names::assign(&mut statement);
            interval::spell_out(&mut statement);
            insert::spell_out(&mut statement);
            Ok(rewrite(statement))
        }
        (Some(_), false) => Err(syntax_error("statements are separated by semicolons")),
        (None, _) => Err(syntax_error("a statement is missing")),
    }
}

fn rewrite(statement: ast::Statement) -> ast::Statement {
    REWRITES
        .iter()
        .fold(statement, |statement, rule| rule.rewrite(statement))
}

fn parser_error(error: ParserError) -> Error {
    Error::Query(DataFusionError::SQL(Box::new(error), None))
}

/// Whether a statement may read a catalog: any word `pg_…` or `information_schema`.
fn mentions_catalogs(chunk: &Chunk<'_>) -> bool {
    chunk.significant().any(|token| {
        matches!(token, Token::Word(word)
            if word.value.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("pg_"))
                || word.value.eq_ignore_ascii_case("information_schema"))
    })
}

/// The list of what runs: everything else is refused here.
fn from_ast(statement: ast::Statement, chunk: &Chunk<'_>) -> Result<Kind, Error> {
    use ast::Statement as Ast;
    Ok(match statement {
        Ast::Query(_) => Kind::Query(Query::from_ast(statement)?),
        Ast::Insert(_) => write(WriteKind::Insert, statement),
        Ast::Update(_) => write(WriteKind::Update, statement),
        Ast::Delete(_) => write(WriteKind::Delete, statement),
        Ast::Truncate(_) => write(WriteKind::Truncate, statement),
        Ast::Explain {
            statement: ref inner,
            ..
        } => {
            let inner = inner.as_ref().clone();
            Kind::Explain(Explain::from_ast(statement, &inner)?)
        }
        Ast::Copy {
            source,
            to,
            target,
            options,
            legacy_options,
            ..
        } => Kind::Copy(Copy::from_ast(
            source,
            to,
            &target,
            &options,
            &legacy_options,
        )?),
        Ast::CreateView(view) => {
            Kind::CreateView(CreateView::from_ast(view, chunk.after_word("as"))?)
        }
        Ast::Drop {
            object_type: ast::ObjectType::View,
            if_exists,
            names,
            ..
        } => Kind::DropView(DropView::from_ast(&names, if_exists)?),
        Ast::Set(set) => Kind::Set(Set::from_ast(&set)?),
        Ast::ShowVariable { variable } => {
            let words: Vec<String> = variable.into_iter().map(|word| word.value).collect();
            Kind::Show(Show::from_words(&words))
        }
        Ast::Reset(reset) => Kind::Reset(Reset::from_ast(&reset)),
        Ast::Discard { object_type } => Kind::Discard(Discard::from_ast(&object_type)),
        Ast::StartTransaction {
            modes,
            begin,
            statements,
            ..
        } if statements.is_empty() => Kind::Transaction(Transaction::begin(&modes, begin)),
        Ast::Commit { chain, .. } => Kind::Transaction(Transaction::Commit { chain }),
        Ast::Rollback { chain, savepoint } => {
            Kind::Transaction(Transaction::rollback(chain, savepoint.as_ref()))
        }
        Ast::Savepoint { name } => Kind::Transaction(Transaction::Savepoint(super::fold(&name))),
        Ast::ReleaseSavepoint { name } => {
            Kind::Transaction(Transaction::Release(super::fold(&name)))
        }
        Ast::Prepare {
            name,
            data_types,
            statement,
        } => Kind::Prepare(Prepare {
            name: super::fold(&name),
            types: data_types,
            statement: Box::new(Statement {
                text: chunk.text.into(),
                kind: preparable(from_ast(*statement, chunk)?)?,
            }),
        }),
        Ast::Execute {
            name,
            parameters,
            immediate: false,
            ..
        } => Kind::Execute(Execute::from_ast(name.as_ref(), parameters)?),
        Ast::Deallocate { name, .. } => Kind::Deallocate(Deallocate::from_ast(&name)),
        Ast::Declare { stmts } => Kind::Declare(Declare::from_ast(stmts, chunk.text)?),
        Ast::Fetch {
            name, direction, ..
        } => Kind::Fetch(Fetch::from_ast(&name, &direction)?),
        Ast::Close { cursor } => Kind::Close(Close::from_ast(&cursor)),
        Ast::LISTEN { .. } => Kind::Notify("LISTEN"),
        Ast::UNLISTEN { .. } => Kind::Notify("UNLISTEN"),
        Ast::NOTIFY { .. } => Kind::Notify("NOTIFY"),
        other => return Err(unsupported(&other)),
    })
}

fn write(kind: WriteKind, statement: ast::Statement) -> Kind {
    Kind::Write(Write {
        kind,
        ast: Box::new(statement),
    })
}

/// PREPARE takes what is planned.
fn preparable(kind: Kind) -> Result<Kind, Error> {
    match kind {
        Kind::Query(_) | Kind::Write(_) => Ok(kind),
        _ => Err(syntax_error("PREPARE takes a query or a write")),
    }
}

fn unsupported(statement: &ast::Statement) -> Error {
    let text = statement.to_string();
    let words: Vec<&str> = text.split_whitespace().take(2).collect();
    Error::statement(
        sqlstate::FEATURE_NOT_SUPPORTED,
        format!("{} is not supported", words.join(" ")),
    )
}
